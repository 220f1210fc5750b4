import { type Behaviour, churn, type ChurnPlan } from './churn-one-by-one.ts';
import { answerCommands } from './client-process.ts';

const behaviours: readonly Behaviour[] = [
  { begin: (socket) => socket.end() },
  {
    begin: (socket) => {
      socket.write('hello');
      socket.once('data', () => socket.end());
    },
  },
  // The answer arrives after our end.
  { begin: (socket) => socket.end('hello') },
  // The server closes first.
  {
    begin: (socket) => {
      socket.write('bye');
      socket.once('end', () => socket.end());
    },
  },
  { aborts: true, begin: (socket) => socket.resetAndDestroy() },
  // With bytes under way in both directions.
  { aborts: true, begin: (socket) => socket.write('hello', () => socket.resetAndDestroy()) },
];

answerCommands((plan: ChurnPlan) => churn(plan, behaviours, { allowHalfOpen: true }));
