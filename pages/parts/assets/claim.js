// Saving what the edits that stand do to other pictures; once it is saved, the same place leads to its file.
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
    const off = !data.edits.length ? w("claim.none") : !measurable ? w("claim.no_pictures") : data.visit ? w("claim.elsewhere") : "";
    part.claim.parentElement.hidden = part.claimed.hidden = !data.tools.includes("claim");
    part.claim.disabled = Boolean(off || saved || waits);
    const said = saved ? told(saved, "claim.like", "claim.all", "claim.both") : "";
    mark(part.claim, "title", off || w("claim.save_title"));
    say(part.claimed, waits ? w("claim.saving") : saved ? told(saved, "claim.like_short", "claim.short", "claim.short") : off);
    mark(part.claimed, "title", said || part.claimed.textContent);
    part.claim.hidden = Boolean(saved);
    part.claim_file.hidden = !saved;
    if (!saved) return;
    mark(part.claim_file, "title", said);
    const where = new URL(`api/claim/${saved.sha256}`, document.baseURI);
    where.search = new URLSearchParams({ s: new URLSearchParams(location.search).get("s") ?? "" });
    mark(part.claim_file, "href", where);
  };
};
