import { signToken } from '@spendgate/artifact';
import { TOKENS, isTokenTyp, parseClaims } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import type { Command } from 'commander';
import { printJson, readInput } from '../output.js';
import { signerFromFile } from '../signing-keys.js';
import { describeVerb } from '../verb.js';

/** `spendgate sign TYP FILE --key JWK`: any request as a signed object on stdout, checked before it is signed. */
export function addSign(program: Command): void {
  describeVerb(program.command('sign'), {
    group: 'spend',
    summary: 'sign claims as a token, on stdout',
    example:
      'spendgate sign settlement-request+jwt request.json --key .spendgate/party-keys/demo-settlement.jwk.json | \\\n' +
      "    curl --data-binary @- -H 'Content-Type: application/jwt' http://127.0.0.1:8080/v1/settlements",
  })
    .argument('<typ>', Object.keys(TOKENS).join(', '))
    .argument('<file>', 'claims as JSON; - for standard input')
    .requiredOption('--key <jwk>', 'private key, a JWK file')
    .option('--json', 'one JSON object: {"token"}')
    .action(async (typ: string, file: string, { key, json }: { key: string; json?: boolean }) => {
      if (!isTokenTyp(typ)) throw new StartError(`"${typ}" is no token type; see spendgate sign --help`);
      const parsed = parseClaims(typ, JSON.parse(readInput(file)));
      if (!parsed.ok) throw new StartError(`${file}: ${parsed.code} at ${parsed.field}`);
      const [purpose = 'person'] = TOKENS[typ].purposes;
      const token = await signToken(signerFromFile(key, purpose), typ, parsed.claims);
      if (json === true) printJson({ token });
      // no line break: a token with one is malformed, and the output goes straight into a request
      else process.stdout.write(token);
    });
}
