# Format, lint, tests, docs.

stage_fmt() {
  has_component fmt rustfmt || { echo "rustfmt is missing and cannot be installed" >&2; return 1; }
  cargo fmt --all --check
  (cd fuzz && cargo fmt --check)
}

stage_lint() {
  has_component clippy || { echo "clippy is missing and cannot be installed" >&2; return 1; }
  cargo clippy --workspace --all-targets -- -D warnings
  cargo clippy --workspace --all-targets --all-features -- -D warnings
}

stage_test() {
  cargo test # the README's command
  # Crates test themselves with all their features there (a dev-dependency on oneself), but for these.
  cargo test -p purlin-core -p purlin-benches --all-features
}

stage_docs() {
  RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features
  # As docs.rs does it; the flags are unstable, hence the bootstrap variable.
  local crate
  for crate in $(published); do
    RUSTC_BOOTSTRAP=1 RUSTDOCFLAGS="--cfg docsrs -D warnings -Zunstable-options --generate-link-to-definition" \
      cargo doc -p "purlin-$crate" --no-deps --all-features --target-dir target/docsrs
  done
}
