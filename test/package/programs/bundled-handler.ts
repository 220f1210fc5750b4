import { EventServer } from 'gnet';

class Handler extends EventServer {
  override react(): string {
    return 'module';
  }
}

export default new Handler();
