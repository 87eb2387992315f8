import { useState } from "react";

import type { Ask } from "../gateway";
import { ActionForm } from "./ActionForm";
import { Field } from "./Field";
import { LoginFirst } from "./LoginFirst";
import type { MailedLink } from "./mailedLink";
import { PasswordFields } from "./PasswordFields";
import { type Said, Section } from "./Section";

interface MailedLinkPageProps {
  readonly link: MailedLink;
  /** Null: there was none in the address. */
  readonly token: string | null;
  /** Whether the token was used before a reload. */
  readonly isDone: boolean;
  readonly ask: Ask;
  /** The token is of no more use; *isDone*: because it did what it was for. */
  readonly onSpent: (isDone: boolean) => void;
}

type View = "link" | "dead" | "noLink" | "done" | "mailed";

const MAILED: Said = {
  heading: "Look into your mail",
  text: "If the address has an account that needs such a mail, one is on its way. It may take a minute, and may land among the unwanted ones. Its link replaces all earlier ones.",
};

/** What somebody meets who opens a mailed link: what it does, a button that does it, what came of it, and what next. */
export function MailedLinkPage({ link, token, isDone, ask, onSpent }: MailedLinkPageProps) {
  const [view, setView] = useState<View>(isDone ? "done" : token === null ? "noLink" : "link");

  function end(outcome: "accepted" | "dead"): void {
    onSpent(outcome === "accepted");
    setView(outcome === "accepted" ? "done" : "dead");
  }

  const { askForMail } = link;
  const newMail = askForMail && (
    <ActionForm
      key="newMail"
      button="Send me a new mail"
      act={(fields) => askForMail(fields, ask)}
      onEnd={() => setView("mailed")}
    >
      {({ email }) => <Field label="E-mail address" name="email" type="email" autoComplete="email" problem={email} />}
    </ActionForm>
  );
  switch (view) {
    case "link":
      return (
        <Section heading={link.heading} text={link.lead}>
          {link.wants === "login" ? (
            <LoginFirst
              button={link.button}
              ask={ask}
              act={(_token, as) => link.act(token ?? "", new FormData(), as)}
              onEnd={({ kind }) => end(kind)}
            />
          ) : (
            <ActionForm
              key="link"
              button={link.button}
              act={(fields) => link.act(token ?? "", fields, ask)}
              onEnd={end}
            >
              {(problems) => link.wants === "password" && <PasswordFields problems={problems} />}
            </ActionForm>
          )}
        </Section>
      );
    case "dead":
      return <Section {...link.dead}>{newMail}</Section>;
    case "noLink":
      return <Section {...link.noLink}>{newMail}</Section>;
    case "done":
      return <Section {...link.done} />;
    case "mailed":
      return <Section {...MAILED} />;
  }
}
