/** `GET /`, answered with JSON by express. */
import express, { type Express } from 'express';

export function makeApp(): Express {
  const app = express();
  app.get('/', (_request, response) => {
    response.json({ message: 'Hello, World!' });
  });
  return app;
}
