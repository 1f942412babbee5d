# The benches as a smoke test, the package, and the rules that no compiler checks.

stage_bench() {
  # Not by the profile of benches: what is linked as a whole takes three minutes more, and nothing is measured here.
  cargo bench --profile release -p purlin-benches -- --test
  cargo lab --quiet # the README's command
  # Figures of a shared machine are no gate: every row must run, bars are judged by people on a quiet one.
  local area
  for area in cache core hashring lb quorum ratelimit sim; do
    cargo run --release -p purlin-benches --features rivals --bin lab -- versus "$area" --quiet --fast
  done
}

stage_package() {
  local crate budget count
  while read -r crate budget; do
    case $crate in '' | '#'*) continue ;; esac
    # Everything but ourselves, our own crates and the family of thiserror.
    count=$(cargo tree -q -p "$crate" -e normal --prefix none --format '{p}' |
      awk '{ print $1 }' | sort -u | grep -vcE '^(purlin-.*|thiserror(-impl)?|proc-macro2|quote|syn|unicode-ident)$' || true)
    echo "$crate: $count of at most $budget dependencies"
    [ "$count" -le "$budget" ] || { echo "$crate has more dependencies than its budget" >&2; return 1; }
  done <.ci/dependency-budgets
  cargo publish --workspace --dry-run --allow-dirty
}

stage_tidy() {
  local failures=0
  complain() { echo "tidy: $*" >&2; failures=$((failures + 1)); }
  local file lines crate variant files=0
  while IFS= read -r file; do
    files=$((files + 1))
    lines=$(wc -l <"$file")
    [ "$lines" -le 800 ] || complain "$file has $lines lines; 800 is the most"
  done < <(find . -name '*.rs' -not -path '*/target/*')
  [ "$files" -gt 50 ] || complain "found $files Rust files only"
  for crate in $(published); do
    for file in README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE; do
      [ -s "crates/$crate/$file" ] || complain "crates/$crate/$file is missing"
    done
    grep -q "purlin-$crate" README.md || complain "README.md does not list purlin-$crate"
    # A variant is a file in policy/ or algorithm/ (what several are made of is in parts/): it must be in its crate's registry and README, and the crate in the lab.
    for file in crates/"$crate"/src/policy/*.rs crates/"$crate"/src/algorithm/*.rs; do
      [ -e "$file" ] || continue
      variant=$(basename "$file" .rs)
      case $variant in tests | parts) continue ;; esac
      grep -qs "$variant" "crates/$crate/src/registry.rs" || complain "$file is not in the registry"
      grep -qiE "${variant//_/.?}" "crates/$crate/README.md" || complain "$file is not in the crate's README"
      [ -e "benches/src/area/$crate.rs" ] || complain "$crate has variants and no area in the lab"
    done
  done
  # The guide shows its programs whole: they must be the ones that are compiled and run.
  for file in examples/src/bin/*.rs; do
    grep -qFx "<!-- $file -->" docs/guides/*.md || complain "no guide shows $file"
  done
  while IFS= read -r file; do
    awk -v want="<!-- $file -->" '$0 == want { found = 1; next } found && /^```rust/ { inside = 1; next } inside && /^```/ { exit } inside' \
      docs/guides/*.md | diff -q - "$file" >/dev/null || complain "a guide shows another version of $file"
  done < <(sed -n 's/^<!-- \(.*\.rs\) -->$/\1/p' docs/guides/*.md)
  [ "$failures" -eq 0 ]
}
