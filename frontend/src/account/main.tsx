import "../palette.css";
import "./page.css";
import "../passkeys/passkeys.css";

import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { askBesideTheCookie } from "../gateway";
import { passkeyPlace } from "../login/passkeyPlace";
import { PasskeysPage } from "../passkeys/PasskeysPage";
import { DownloadPage } from "./DownloadPage";
import { MAILED_LINKS } from "./mailedLink";
import { MailedLinkPage } from "./MailedLinkPage";
import { mailedToken } from "./mailedToken";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no #root element");
const name = root.dataset["page"] ?? "";
const page = createRoot(root);

/** Takes the token out of the address and the history; a reload still says that all was done. */
function forgetToken(isDone: boolean): void {
  window.history.replaceState({ isDone }, "", window.location.pathname);
}

let openings = 0;

/** The page of the address as it is now, from the beginning. */
function show(): void {
  page.render(<StrictMode>{opened()}</StrictMode>);
}

function opened(): ReactNode {
  switch (name) {
    case "download-data":
      return <DownloadPage ask={askBesideTheCookie} />;
    case "passkeys":
      return <PasskeysPage place={passkeyPlace()} ask={askBesideTheCookie} />;
    default:
      return mailedLinkPage();
  }
}

function mailedLinkPage(): ReactNode {
  const link = MAILED_LINKS[name];
  if (link === undefined) throw new Error(`there is no mailed link ${name}`);
  const { hash } = window.location;
  const { isDone = false } = (window.history.state ?? {}) as { isDone?: boolean };
  return (
    <MailedLinkPage
      key={openings++}
      link={link}
      token={mailedToken(hash)}
      isDone={isDone}
      ask={askBesideTheCookie}
      onSpent={forgetToken}
    />
  );
}

// Who opens a second mail's link in the same tab changes nothing but the fragment.
window.addEventListener("hashchange", show);
show();
