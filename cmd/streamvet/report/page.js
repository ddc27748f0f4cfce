// j and k walk through the defects; printing opens what is folded.
const findings = [...document.querySelectorAll('.findings li')];
let at = -1;
addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey || !findings.length) return;
  const step = { j: 1, k: -1 }[e.key];
  if (!step) return;
  at = Math.min(Math.max(at + step, 0), findings.length - 1);
  findings[at].focus();
  findings[at].scrollIntoView({ block: 'nearest' });
});
addEventListener('hashchange', () => {
  const i = findings.findIndex(f => '#' + f.id === location.hash);
  if (i >= 0) findings[at = i].focus({ preventScroll: true });
});
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(d => { d.open = true; }));
