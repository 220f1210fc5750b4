/** Takes options out of the arguments of a script; what is left is its own business. */

/** `--name value` or `--name=value`. */
export function takeOption(args: string[], name: string): string | undefined {
  const at = args.findIndex((argument) => argument === name || argument.startsWith(`${name}=`));
  if (at === -1) return undefined;
  const [first = ''] = args.splice(at, 1);
  return first === name ? args.splice(at, 1)[0] : first.slice(name.length + 1);
}

export function takeFlag(args: string[], name: string): boolean {
  const at = args.indexOf(name);
  if (at !== -1) args.splice(at, 1);
  return at !== -1;
}
