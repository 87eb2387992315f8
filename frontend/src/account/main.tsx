import "../palette.css";
import "./page.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { askBesideTheCookie } from "../gateway";
import { MAILED_LINKS } from "./mailedLink";
import { MailedLinkPage } from "./MailedLinkPage";
import { mailedToken } from "./mailedToken";

const root = document.getElementById("root");
const link = MAILED_LINKS[root?.dataset["page"] ?? ""];
if (root === null || link === undefined) throw new Error("the page has no #root element that names a mailed link");
const page = createRoot(root);

/** Takes the token out of the address and the history; a reload still says that all was done. */
function forgetToken(isDone: boolean): void {
  window.history.replaceState({ isDone }, "", window.location.pathname);
}

let openings = 0;

/** The page of the address as it is now, from the beginning. */
function show(): void {
  const { hash } = window.location;
  const { isDone = false } = (window.history.state ?? {}) as { isDone?: boolean };
  page.render(
    <StrictMode>
      <MailedLinkPage
        key={openings++}
        link={link!}
        token={mailedToken(hash)}
        isDone={isDone}
        ask={askBesideTheCookie}
        onSpent={forgetToken}
      />
    </StrictMode>,
  );
}

// Who opens a second mail's link in the same tab changes nothing but the fragment.
window.addEventListener("hashchange", show);
show();
