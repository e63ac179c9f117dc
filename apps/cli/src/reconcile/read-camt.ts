import { currencyTable } from '@spendgate/core';
import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';
import { type RailEntry, checkEntry, refuseReport } from './rail-entry.js';

const LISTS = new Set(['Ntfctn', 'Ntry', 'NtryDtls', 'TxDtls']);
/** Every value stays text: an amount that was a JavaScript number once is no amount. Entities are not expanded. */
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false,
  removeNSPrefix: true,
  isArray: (name) => LISTS.has(name),
});

const amount = z.object({ '#text': z.string(), '@Ccy': z.string() });
const mark = z.enum(['CRDT', 'DBIT']);
const transaction = z.object({
  Refs: z.object({ EndToEndId: z.string().optional(), AcctSvcrRef: z.string().optional() }).optional(),
  Amt: amount.optional(),
  AmtDtls: z.object({ TxAmt: z.object({ Amt: amount }).optional() }).optional(),
  CdtDbtInd: mark.optional(),
});
const entry = z.object({
  Amt: amount,
  CdtDbtInd: mark,
  RvslInd: z.enum(['true', 'false', '1', '0']).optional(), // xs:boolean
  Sts: z.union([z.string(), z.object({ Cd: z.string() })]),
  BookgDt: z.object({ Dt: z.string().optional(), DtTm: z.string().optional() }).optional(),
  AcctSvcrRef: z.string().optional(),
  NtryDtls: z.array(z.object({ TxDtls: z.array(transaction).optional() })).optional(),
});
const document = z.object({
  Document: z.object({
    BkToCstmrDbtCdtNtfctn: z.object({ Ntfctn: z.array(z.object({ Ntry: z.array(entry).optional() })) }),
  }),
});
type Entry = z.infer<typeof entry>;
type Transaction = z.infer<typeof transaction>;

/**
 * Reads a debit and credit notification (ISO 20022 camt.054) of the account payments are made from: a capture is a debit
 * of it, a refund a credit. `EndToEndId` is the settlement id without hyphens (Max35Text).
 *
 * @throws {StartError} naming entry and fault
 */
export function readCamt(text: string): RailEntry[] {
  // No document type: entities, and with them every way to make a short file long, are declared in one only.
  if (/<!(?!--|\[CDATA\[)/.test(text)) refuseReport('report', 'doctype_forbidden', 'a camt.054 message has none');
  const read = document.safeParse(parse(text));
  if (!read.success) {
    const [issue] = read.error.issues;
    return refuseReport('report', 'malformed', `no camt.054 at ${issue?.path.join('/') ?? 'its root'}`);
  }
  const entries = read.data.Document.BkToCstmrDbtCdtNtfctn.Ntfctn.flatMap(({ Ntry = [] }) => Ntry);
  return entries.flatMap((each, at) => readEntry(each, `entry ${at + 1}`));
}

function parse(text: string): unknown {
  try {
    return parser.parse(text, true);
  } catch {
    // Also the library's own bounds: depth of nesting, the size of a name.
    return refuseReport('report', 'malformed', 'this is no well-formed XML');
  }
}

/** A batch booking is one entry with several transactions, each with its own amount. */
function readEntry(booked: Entry, place: string): RailEntry[] {
  const transactions = (booked.NtryDtls ?? []).flatMap(({ TxDtls = [] }) => TxDtls);
  if (transactions.length <= 1) return [readTransaction(booked, transactions[0] ?? {}, place)];
  return transactions.map((each, at) => {
    const own = `${place}.${at + 1}`;
    if (amountOf(each) === undefined) refuseReport(own, 'amount_invalid', 'one of several, without its own amount');
    return readTransaction(booked, each, own);
  });
}

function readTransaction(booked: Entry, each: Transaction, place: string): RailEntry {
  const money = amountOf(each) ?? booked.Amt;
  const isReversal = booked.RvslInd === 'true' || booked.RvslInd === '1';
  // §CreditDebitIndicator: of a reversal it says which way the money came back, so the movement reversed is the other.
  const isDebit = ((each.CdtDbtInd ?? booked.CdtDbtInd) === 'DBIT') !== isReversal;
  const status = typeof booked.Sts === 'string' ? booked.Sts : booked.Sts.Cd;
  const date = booked.BookgDt?.DtTm ?? booked.BookgDt?.Dt ?? refuseReport(place, 'occurred_at_invalid', 'no BookgDt');
  return checkEntry(place, {
    transfer_id: hyphenated(plain(each.Refs?.EndToEndId ?? 'NOTPROVIDED')),
    rail_reference: plain(each.Refs?.AcctSvcrRef ?? booked.AcctSvcrRef ?? ''),
    direction: isDebit ? 'capture' : 'refund',
    amount: spelled(money['#text'], money['@Ccy']),
    currency: money['@Ccy'],
    // What is not booked (PDNG, INFO, FUTR) has not happened yet.
    outcome: status !== 'BOOK' ? 'unknown' : isReversal ? 'reversed' : 'completed',
    // An ISODateTime may lack its offset: the bank's own time, which decides nothing here, is read as UTC.
    occurred_at: /T[0-9:.]+$/.test(date) ? `${date}Z` : date,
  });
}

function amountOf({ Amt, AmtDtls }: Transaction): z.infer<typeof amount> | undefined {
  return Amt ?? AmtDtls?.TxAmt?.Amt;
}

/** ISO 20022 leaves the digits open (12.5 is 12.50 USD). Only zeros are added or taken; the rest is judged as it is. */
function spelled(text: string, currency: string): string {
  const parts = /^(\d{1,18})(?:\.(\d{0,5}))?$/.exec(text);
  const digits = currencyTable().get(currency);
  if (parts === null || digits === undefined) return text;
  const fraction = (parts[2] ?? '').replace(/0+$/, '').padEnd(digits, '0');
  const whole = (parts[1] ?? '').replace(/^0+(?=\d)/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

function hyphenated(id: string): string {
  return /^[0-9a-f]{32}$/i.test(id) ? id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : id;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

/** XML 1.0 §4.6: the five entities every document has. */
function plain(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name] ?? '');
}
