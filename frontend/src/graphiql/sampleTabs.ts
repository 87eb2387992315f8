import { type DocumentNode, type GraphQLSchema, Kind, parse, validate } from "graphql";

import logIn from "../login/operations/log-in.graphql?raw";
import meAndMyPayments from "./operations/me-and-my-payments.graphql?raw";
import pay from "./operations/pay.graphql?raw";
import refund from "./operations/refund.graphql?raw";
import watch from "./operations/watch.graphql?raw";

export interface SampleTab {
  readonly query: string;
  readonly variables?: string;
}

/**
 * The tabs of a first visit. *keySuffix* makes this visitor's idempotency keys their own; *returnUrl* is where a
 * card's bank sends the payer back to.
 *
 * Their variables also fill what is non-null with a default: the editor underlines it as missing where it is left out.
 */
export function sampleTabs(keySuffix: string, returnUrl?: string): SampleTab[] {
  return [
    { query: meAndMyPayments },
    { query: logIn, variables: pretty({ input: DEMO_LOGIN }) },
    { query: pay, variables: pretty({ input: samplePayment(keySuffix, returnUrl) }) },
    { query: refund, variables: pretty({ input: sampleRefund(keySuffix) }) },
    { query: watch, variables: pretty({ paymentId: PAYMENT_ID }) },
  ];
}

/** The tab of an API that none of the samples fits: what any API answers, as the editor underlines an empty document. */
export const BLANK_TAB: SampleTab = {
  query: `# Write an operation and run it: Ctrl-Enter.
# Ctrl-Space completes what you type; the book
# on the left tells what there is.

{
  __typename
}
`,
};

/** What the page offers besides GraphiQL itself. */
export interface Offer {
  readonly apiName: string;
  readonly tabs: SampleTab[];
  /** Whether the login form would work. */
  readonly hasLogin: boolean;
}

/** Only what the API has: the gateway serves any supergraph. *schema*: null where it is not told. */
export function offerFor(schema: GraphQLSchema | null, samples: SampleTab[]): Offer {
  const isValid = ({ query }: SampleTab) => schema !== null && canAnswer(schema, parse(query));
  const tabs = samples.filter(isValid);
  return {
    apiName: tabs.length === samples.length ? "Payments API" : "GraphQL API",
    tabs: tabs.length > 0 ? tabs : [BLANK_TAB],
    hasLogin: isValid({ query: logIn }),
  };
}

/** The account that the demo data creates; elsewhere the mutation answers InvalidCredentialsError. */
const DEMO_LOGIN = { email: "ada@example.com", password: "correct-horse-demo" };

/** `validate` has nothing against an operation of a kind that the API does not have at all. */
function canAnswer(schema: GraphQLSchema, document: DocumentNode): boolean {
  const hasRoots = document.definitions.every(
    (each) => each.kind !== Kind.OPERATION_DEFINITION || schema.getRootType(each.operation),
  );
  return hasRoots && validate(schema, document).length === 0;
}

/** Where the id of a payment made before is to be put. */
const PAYMENT_ID = "pay_…";

function samplePayment(keySuffix: string, returnUrl: string | undefined): object {
  return {
    idempotencyKey: `pay-${keySuffix}`,
    amount: { amount: "42.50", currency: "EUR" },
    description: "First payment from GraphiQL",
    // The editor misses what has a default, too.
    captureMethod: "AUTOMATIC",
    paymentMethodId: "pm_card_visa",
    savePaymentMethod: false,
    confirm: true,
    returnUrl,
  };
}

function sampleRefund(keySuffix: string): object {
  return {
    idempotencyKey: `refund-${keySuffix}`,
    paymentId: PAYMENT_ID,
    amount: { amount: "21.25", currency: "EUR" },
    reason: "REQUESTED_BY_CUSTOMER",
  };
}

function pretty(variables: object): string {
  return JSON.stringify(variables, null, 2);
}
