const BEGIN = "<!-- the table of npm run bench -- --write -->";
const END = "<!-- until here -->";

/** README with the table between its two marks. @throws where it has no such marks */
export function withTable(readme: string, table: string): string {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`README.md must have the lines ${BEGIN} and ${END}.`);
  return `${readme.slice(0, from)}${BEGIN}\n\n${table}\n\n${readme.slice(to)}`;
}
