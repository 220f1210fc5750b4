/** What runs in a thread of the pool: it may take as long as it takes. */
import { pbkdf2Sync } from 'node:crypto';

export default function derive(password: string): string {
  return pbkdf2Sync(password, 'salt', 20_000, 32, 'sha256').toString('hex');
}
