// Saving what the edits that stand do to other pictures; once it is saved, its counts stand there, and lead to its file.
const claimPart = (part, act, outbox) => {
  part.claim.onclick = () => act({ kind: "claim" });
  const told = (saved, like, all, both) => {
    const alike = saved.held_out_wrong !== undefined;
    const of = (name) => saved[`${alike ? "held_out" : "reference"}_${name}`];
    const values = { fixed: of("fixed"), wrong: of("wrong"), broken: saved.reference_broken, right: saved.reference_right };
    return w(saved.reference_right === undefined ? like : alike ? both : all, values);
  };

  return (data) => {
    const { saved, measurable } = data.claim;
    const waits = outbox.acts.some(({ kind }) => kind === "claim");
    const off = !data.edits.length ? w("claim.none") : measurable ? "" : w("claim.no_pictures");
    part.certify.hidden = !data.tools.includes("claim");
    part.claim.disabled = Boolean(off || saved || waits);
    const said = saved ? told(saved, "claim.like", "claim.all", "claim.both") : "";
    say(part.claimed, waits ? w("claim.saving") : said || off);
    mark(part.claimed, "title", part.claimed.textContent);
    mark(part.certify, "data-saved", Boolean(saved));
    part.claim_file.hidden = !saved;
    if (!saved) return;
    say(part.claim_file, told(saved, "claim.like_short", "claim.short", "claim.short"));
    mark(part.claim_file, "title", `${said} ${w("claim.file")}`);
    const where = new URL(`api/claim/${saved.sha256}`, document.baseURI);
    where.search = new URLSearchParams({ s: new URLSearchParams(location.search).get("s") ?? "" });
    mark(part.claim_file, "href", where);
  };
};
