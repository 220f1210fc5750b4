/**
 * The environment to read from. A variable that this process may not read (Deno without `--allow-env`)
 * is as one that is not set.
 */
export const environment: Readonly<Record<string, string | undefined>> = new Proxy(
  {},
  {
    get(_, name: string) {
      try {
        return process.env[name];
      } catch {
        return undefined;
      }
    },
  },
);
