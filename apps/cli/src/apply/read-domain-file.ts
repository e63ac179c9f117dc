import fs from 'node:fs';
import path from 'node:path';
import { StartError } from '@spendgate/platform';
import { parse } from 'yaml';
import { DOMAIN_FILE, type DomainFile } from './domain-file.js';

/** A declared policy with its text, read from beside the domain file. */
export interface PolicyText {
  readonly id: string;
  readonly text: string;
}

export interface ReadDomain {
  readonly file: DomainFile;
  readonly policies: readonly PolicyText[];
}

/** YAML aliases expanded at most: a file of a few lines must not become gigabytes. */
const ALIASES_MAX = 100;
const PROBLEMS_SHOWN = 10;

/**
 * Reads and checks a domain file (YAML or JSON) and the policy texts it names.
 *
 * @throws {StartError} one line per problem, with its path in the file
 */
export function readDomainFile(name: string): ReadDomain {
  const text = fs.readFileSync(name, 'utf8');
  const parsed = DOMAIN_FILE.safeParse(parseYaml(name, text));
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${name}: ${issue.path.join('.')}: ${issue.message}`);
    throw new StartError(lines.slice(0, PROBLEMS_SHOWN).join('\n'));
  }
  const folder = path.dirname(name);
  const policies = parsed.data.policies.map(({ id, file }) => {
    return { id, text: fs.readFileSync(path.join(folder, file), 'utf8') };
  });
  return { file: parsed.data, policies };
}

/** @throws {StartError} what it says of the place */
export function parseYaml(name: string, text: string): unknown {
  try {
    return parse(text, { maxAliasCount: ALIASES_MAX });
  } catch (cause) {
    throw new StartError(`${name}: ${cause instanceof Error ? cause.message : 'no YAML'}`, { cause });
  }
}

/** Several files as one declaration, for the demo domain. What two files declare under one id is declared once. */
export function joinDomains(domains: readonly ReadDomain[]): ReadDomain {
  const all = <K extends ListKey>(key: K): DomainFile[K] =>
    firstOfEachId(domains.flatMap((domain): { id: string }[] => domain.file[key])) as DomainFile[K]; // as: lists of one K
  return {
    file: {
      domain: domains.find((each) => each.file.domain !== undefined)?.file.domain,
      principals: all('principals'),
      people: all('people'),
      settlement_services: all('settlement_services'),
      attesters: all('attesters'),
      rails: all('rails'),
      agents: all('agents'),
      counterparties: all('counterparties'),
      policies: all('policies'),
      mandates: all('mandates'),
    },
    policies: firstOfEachId(domains.flatMap((each) => each.policies)),
  };
}

type ListKey = Exclude<keyof DomainFile, 'domain'>;

function firstOfEachId<T extends { readonly id: string }>(entries: readonly T[]): T[] {
  return [...new Map([...entries].reverse().map((entry) => [entry.id, entry])).values()].reverse();
}
