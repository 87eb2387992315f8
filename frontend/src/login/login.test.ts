import { describe, expect, it } from "vitest";

import { GatewayUnavailableError, type GraphQLAnswer } from "../gateway";
import { completeMfa, completeMfaByPasskey, logIn, logInByPasskey, logOut, resume } from "./login";

const ADA = { email: "ada@example.com", password: "correct-horse-demo" };

const answering = (answer: GraphQLAnswer) => async () => answer;

function success(email: string | null): GraphQLAnswer {
  return {
    data: {
      login: {
        __typename: "LoginSuccess",
        tokens: { accessToken: "abc", expiresIn: 600 },
        user: { id: "usr_01", email },
      },
    },
  };
}

describe("logIn", () => {
  it("sends the credentials as the mutation's input", async () => {
    const sent: object[] = [];
    await logIn(ADA, async (_query, variables) => {
      sent.push(variables);
      return success(ADA.email);
    });

    expect(sent).toEqual([{ input: ADA }]);
  });

  it("gives the token and the address as the server has it", async () => {
    expect(await logIn({ ...ADA, email: "ADA@example.com" }, answering(success("ada@example.com")))).toEqual({
      kind: "loggedIn",
      accessToken: "abc",
      email: "ada@example.com",
    });
  });

  it("gives the typed address when the server tells none", async () => {
    expect(await logIn(ADA, answering(success(null)))).toMatchObject({ email: ADA.email });
  });

  it("gives the message of any error of the union", async () => {
    const refusal = {
      __typename: "AccountDisabledError",
      code: "ACCOUNT_DISABLED",
      message: "This account is disabled.",
    };

    expect(await logIn(ADA, answering({ data: { login: refusal } }))).toEqual({
      kind: "refused",
      message: "This account is disabled.",
    });
  });

  it.each([
    ["without data", { errors: [{ message: "Not an e-mail address." }] }],
    ["with a null field", { data: { login: null }, errors: [{ message: "Not an e-mail address." }] }],
  ])("gives the message of a top-level error %s", async (_how, answer) => {
    expect(await logIn(ADA, answering(answer))).toEqual({
      kind: "unavailable",
      message: "Not an e-mail address.",
    });
  });

  it("was not judged where there were too many", async () => {
    const tooMany = { __typename: "RateLimitedError", code: "RATE_LIMITED", message: "Try again in a minute." };

    expect(await logIn(ADA, answering({ data: { login: tooMany } }))).toEqual({
      kind: "unavailable",
      message: "Try again in a minute.",
    });
  });

  it("says that the gateway is away", async () => {
    const unavailable = async () => {
      throw new GatewayUnavailableError("The gateway does not answer.");
    };

    expect(await logIn(ADA, unavailable)).toEqual({
      kind: "unavailable",
      message: "The gateway does not answer.",
    });
  });

  it("hides no other fault", async () => {
    const broken = async () => {
      throw new RangeError("a bug");
    };

    await expect(logIn(ADA, broken)).rejects.toThrow("a bug");
  });
});

describe("a second factor", () => {
  const challenge = { challengeId: "mfa_1", email: ADA.email, methods: ["TOTP"], passkeyOptions: null } as const;
  const required = {
    __typename: "MfaRequiredError",
    challengeId: "mfa_1",
    methods: ["TOTP"],
    passkeyOptions: null,
    code: "MFA_REQUIRED",
    message: "A code.",
  };

  it("is asked for when the password was right", async () => {
    expect(await logIn(ADA, answering({ data: { login: required } }))).toEqual({ kind: "challenged", challenge });
  });

  it.each([
    ["123456", "TOTP"],
    ["123 456", "TOTP"],
    ["abcd-efgh-jkmn-pqrs", "RECOVERY_CODE"],
  ])("sends %s as %s", async (code, method) => {
    const sent: object[] = [];
    await completeMfa(challenge, code, async (_query, variables) => {
      sent.push(variables);
      return success(ADA.email);
    });

    expect(sent).toEqual([{ input: { challengeId: "mfa_1", method, code } }]);
  });

  it("ends the login", async () => {
    const answer = { data: { completeMfa: (success(ADA.email).data as { login: object }).login } };

    expect(await completeMfa(challenge, "123456", answering(answer))).toEqual({
      kind: "loggedIn",
      accessToken: "abc",
      email: ADA.email,
    });
  });

  it("may be wrong", async () => {
    const wrong = { __typename: "InvalidCredentialsError", code: "INVALID_CREDENTIALS", message: "The code is wrong." };

    expect(await completeMfa(challenge, "000000", answering({ data: { completeMfa: wrong } }))).toEqual({
      kind: "refused",
      message: "The code is wrong.",
    });
  });
});

describe("a passkey", () => {
  const OPTIONS = '{"challenge":"abc"}';
  const challenge = { challengeId: "mfa_1", email: ADA.email, methods: ["PASSKEY"], passkeyOptions: OPTIONS } as const;
  const completed = { data: { completeMfa: (success(ADA.email).data as { login: object }).login } };
  const begun = { data: { beginPasskeyLogin: { __typename: "PasskeyChallenge", challengeId: "pk_1", options: OPTIONS } } };
  const using = async (options: string) => ({ kind: "answered", response: `signed ${options}` }) as const;
  const cancelling = async () => ({ kind: "failed", message: "It was closed." }) as const;

  function answeringInTurn(...answers: GraphQLAnswer[]) {
    const sent: object[] = [];
    const ask = async (_query: string, variables: object) => {
      sent.push(variables);
      return answers[sent.length - 1]!;
    };
    return { sent, ask };
  }

  it("is the second factor with what the device has said", async () => {
    const { sent, ask } = answeringInTurn(completed);

    expect(await completeMfaByPasskey(challenge, using, ask)).toMatchObject({ kind: "loggedIn", email: ADA.email });
    expect(sent).toEqual([{ input: { challengeId: "mfa_1", method: "PASSKEY", code: `signed ${OPTIONS}` } }]);
  });

  it("is all of a login that nobody has said their name for", async () => {
    const { sent, ask } = answeringInTurn(begun, completed);

    expect(await logInByPasskey(using, ask)).toEqual({ kind: "loggedIn", accessToken: "abc", email: ADA.email });
    expect(sent).toEqual([{}, { input: { challengeId: "pk_1", method: "PASSKEY", code: `signed ${OPTIONS}` } }]);
  });

  it("names who logged in by their id where the server tells no address", async () => {
    const nameless = { data: { completeMfa: (success(null).data as { login: object }).login } };

    expect(await logInByPasskey(using, answeringInTurn(begun, nameless).ask)).toMatchObject({ email: "usr_01" });
  });

  it("is not sent where the dialog was closed, which refuses nobody", async () => {
    const { sent, ask } = answeringInTurn(begun);

    expect(await logInByPasskey(cancelling, ask)).toEqual({ kind: "unavailable", message: "It was closed." });
    expect(sent).toEqual([{}]);
  });

  it("is not asked for where there are too many logins", async () => {
    const tooMany = { __typename: "RateLimitedError", code: "RATE_LIMITED", message: "Try again in a minute." };

    expect(await logInByPasskey(using, answering({ data: { beginPasskeyLogin: tooMany } }))).toEqual({
      kind: "unavailable",
      message: "Try again in a minute.",
    });
  });

  it("may be of no account", async () => {
    const unknown = { __typename: "InvalidCredentialsError", code: "INVALID_CREDENTIALS", message: "Not known." };

    expect(
      await logInByPasskey(using, answeringInTurn(begun, { data: { completeMfa: unknown } }).ask),
    ).toEqual({ kind: "refused", message: "Not known." });
  });
});

describe("resume", () => {
  it("gives the token that the cookie was good for", async () => {
    const { data } = success(ADA.email);
    const { login } = data as { login: unknown };

    expect(await resume(ADA.email, answering({ data: { refreshToken: login } }))).toEqual({
      kind: "loggedIn",
      accessToken: "abc",
      email: ADA.email,
    });
  });

  it("gives the message of a login that has ended", async () => {
    const refusal = { __typename: "InvalidTokenError", code: "INVALID_TOKEN", message: "Log in again." };

    expect(await resume(ADA.email, answering({ data: { refreshToken: refusal } }))).toEqual({
      kind: "refused",
      message: "Log in again.",
    });
  });
});

describe("logOut", () => {
  it("asks with the token of the session that is to end", async () => {
    const tokens: (string | undefined)[] = [];
    await logOut("abc", ADA.email, async (_query, _variables, token) => {
      tokens.push(token);
      return { data: { logout: { revokedSessions: 1 } } };
    });

    expect(tokens).toEqual(["abc"]);
  });

  it("renews a token that has expired first, by the cookie", async () => {
    const asked: (string | undefined)[] = [];
    await logOut("old", ADA.email, async (query, _variables, token) => {
      asked.push(token);
      if (query.includes("refreshToken"))
        return { data: { refreshToken: (success(ADA.email).data as { login: object }).login } };
      if (token === "old") return { data: { logout: null }, errors: [{ message: "Log in." }] };
      return { data: { logout: { revokedSessions: 1 } } };
    });

    expect(asked).toEqual(["old", undefined, "abc"]);
  });

  it("bears with a gateway that is away, and hides no other fault", async () => {
    const failing = (failure: Error) => async () => {
      throw failure;
    };

    await logOut("abc", ADA.email, failing(new GatewayUnavailableError("Nobody there.")));
    await expect(logOut("abc", ADA.email, failing(new RangeError("a bug")))).rejects.toThrow("a bug");
  });
});
