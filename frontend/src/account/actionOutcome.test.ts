import { describe, expect, it } from "vitest";

import { GatewayUnavailableError, type GraphQLAnswer } from "../gateway";
import { outcomeOf } from "./actionOutcome";

const answering = (answer: GraphQLAnswer) => async () => answer;
const outcome = (answer: GraphQLAnswer) => outcomeOf("mutation …", {}, answering(answer));
const result = (member: object) => outcome({ data: { verifyEmail: member } });

describe("outcomeOf", () => {
  it("sends the variables with the mutation", async () => {
    const sent: unknown[] = [];
    await outcomeOf("mutation …", { token: "abc" }, async (...asked) => {
      sent.push(asked);
      return { data: { verifyEmail: { __typename: "AcceptedSuccess" } } };
    });

    expect(sent).toEqual([["mutation …", { token: "abc" }]]);
  });

  it("tells what was done from what cannot be done any more", async () => {
    expect(await result({ __typename: "AcceptedSuccess" })).toEqual({ kind: "accepted" });
    expect(await result({ __typename: "InvalidTokenError", message: "Not valid." })).toEqual({ kind: "dead" });
  });

  it("puts the problems beside their fields, and says nothing twice", async () => {
    const fields = [{ path: ["input", "newPassword"], message: "At least 12 characters." }];

    expect(await result({ __typename: "ValidationError", message: "Invalid.", fields })).toEqual({
      kind: "refused",
      message: "",
      problems: { newPassword: "At least 12 characters." },
    });
  });

  it("says how long to wait", async () => {
    const message = "Too many attempts at once, or of late; try again in 40 minutes.";

    expect(await result({ __typename: "RateLimitedError", message })).toEqual({
      kind: "refused",
      message,
      problems: {},
    });
  });

  it.each([
    ["the users' service is down", { data: { verifyEmail: null }, errors: [{ message: "fetch of users failed" }] }],
    ["the request was refused as a whole", { errors: [{ message: "Variable $token …" }] }],
  ])("spares people the words for programs where %s", async (_why, answer) => {
    expect(await outcome(answer)).toMatchObject({
      kind: "refused",
      message: "This cannot be done right now. Try again in a minute.",
    });
  });

  it("says the same where nobody answers, and hides no other fault", async () => {
    const failing = (failure: Error) => async () => {
      throw failure;
    };

    expect(await outcomeOf("", {}, failing(new GatewayUnavailableError("Nobody there.")))).toMatchObject({
      message: "This cannot be done right now. Try again in a minute.",
    });
    await expect(outcomeOf("", {}, failing(new RangeError("a bug")))).rejects.toThrow("a bug");
  });
});
