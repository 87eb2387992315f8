import { describe, expect, it } from "vitest";

import type { GraphQLAnswer } from "../gateway";
import { MAILED_LINKS, type MailedLink } from "./mailedLink";

const PASSWORD = "correct-horse-demo";
const ACCEPTED: GraphQLAnswer = { data: { done: { __typename: "AcceptedSuccess" } } };

function page(name: string): MailedLink {
  const link = MAILED_LINKS[name];
  if (link === undefined) throw new Error(`no page ${name}`);
  return link;
}

function form(values: Record<string, string>): FormData {
  const fields = new FormData();
  for (const [name, value] of Object.entries(values)) fields.set(name, value);
  return fields;
}

function recording() {
  const sent: [string | undefined, object][] = [];
  const ask = async (query: string, variables: object) => {
    sent.push([/^mutation (\w+)/.exec(query)?.[1], variables]);
    return ACCEPTED;
  };
  return { sent, ask };
}

describe("a mailed link", () => {
  it("that confirms an address sends its token and nothing else", async () => {
    const { sent, ask } = recording();

    expect(await page("verify-email").act("abc", form({}), ask)).toEqual({ kind: "accepted" });
    expect(sent).toEqual([["VerifyEmail", { token: "abc" }]]);
  });

  it.each(["reset-password", "accept-invitation", "claim-account"])("of the page %s sets a password", async (name) => {
    const { sent, ask } = recording();
    await page(name).act("abc", form({ newPassword: PASSWORD, repeated: PASSWORD }), ask);

    expect(page(name).wants).toBe("password");
    expect(sent).toEqual([["ResetPassword", { input: { token: "abc", newPassword: PASSWORD } }]]);
  });

  it("sends no password that was not said twice", async () => {
    const { sent, ask } = recording();
    const outcome = await page("reset-password").act("abc", form({ newPassword: PASSWORD, repeated: "other" }), ask);

    expect(outcome).toEqual({
      kind: "refused",
      message: "",
      problems: { repeated: "This is not the same password." },
    });
    expect(sent).toEqual([]);
  });

  it("that changes an address wants a login, and cannot be had again by a stranger", async () => {
    const { sent, ask } = recording();
    await page("confirm-email-change").act("abc", form({}), ask);

    expect(page("confirm-email-change")).toMatchObject({ wants: "login", askForMail: null });
    expect(sent).toEqual([["ConfirmEmailChange", { token: "abc" }]]);
  });

  it.each([
    ["verify-email", "ResendVerificationEmail"],
    ["reset-password", "RequestPasswordReset"],
    ["accept-invitation", "RequestPasswordReset"],
    ["claim-account", "RequestPasswordReset"],
  ])("of the page %s is had again by %s", async (name, mutation) => {
    const { sent, ask } = recording();
    await page(name).askForMail?.(form({ email: "ada@example.com" }), ask);

    expect(sent).toEqual([[mutation, { email: "ada@example.com" }]]);
  });
});
