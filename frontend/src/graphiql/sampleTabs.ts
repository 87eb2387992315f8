import logIn from "./operations/log-in.graphql?raw";
import meAndMyPayments from "./operations/me-and-my-payments.graphql?raw";
import pay from "./operations/pay.graphql?raw";
import refund from "./operations/refund.graphql?raw";

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
  ];
}

/** The account that the demo data creates; elsewhere the mutation answers InvalidCredentialsError. */
const DEMO_LOGIN = { email: "ada@example.com", password: "correct-horse-demo" };

function samplePayment(keySuffix: string, returnUrl: string | undefined): object {
  return {
    idempotencyKey: `pay-${keySuffix}`,
    amount: { amount: "42.50", currency: "EUR" },
    description: "First payment from GraphiQL",
    paymentMethodId: "pm_card_visa",
    confirm: true,
    returnUrl,
  };
}

function sampleRefund(keySuffix: string): object {
  return {
    idempotencyKey: `refund-${keySuffix}`,
    paymentId: "pay_…",
    amount: { amount: "21.25", currency: "EUR" },
    reason: "REQUESTED_BY_CUSTOMER",
  };
}

function pretty(variables: object): string {
  return JSON.stringify(variables, null, 2);
}
