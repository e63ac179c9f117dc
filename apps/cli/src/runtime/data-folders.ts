import path from 'node:path';

/** What a process keeps below `SPENDGATE_DATA`: all its state when nothing else is configured. */
export function dataFolders(data: string): { database: string; domainKeys: string; partyKeys: string } {
  const root = path.resolve(data);
  return {
    database: path.join(root, 'postgres'),
    domainKeys: path.join(root, 'keys'),
    partyKeys: path.join(root, 'party-keys'),
  };
}
