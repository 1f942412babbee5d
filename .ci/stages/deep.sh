# Loom, simulation, fuzzing.

stage_loom() {
  local manifests crate
  for manifests in crates/*/tests/loom.rs; do
    crate=$(basename "$(dirname "$(dirname "$manifests")")")
    RUSTFLAGS="--cfg purlin_loom" LOOM_MAX_PREEMPTIONS=3 \
      cargo test --release -p "purlin-$crate" --test loom --target-dir target/loom
  done
}

stage_sim() {
  # The seeds of the tests themselves, with all assertions and overflow checks on; then others, then one that nobody has seen.
  cargo test --profile sim --workspace --test 'sim_*'
  PURLIN_SEED=10000..12000 cargo test --profile sim --workspace --test 'sim_*'
  local fresh=$((RANDOM * 32768 * 32768 + RANDOM * 32768 + RANDOM))
  echo "fresh seed: PURLIN_SEED=$fresh"
  PURLIN_SEED=$fresh cargo test --profile sim --workspace --test 'sim_*'
}

stage_fuzz() {
  if ! command -v c++ >/dev/null && ! command -v g++ >/dev/null; then
    skip fuzz "no C++ compiler for libFuzzer"
    return
  fi
  if ! cargo fuzz --version >/dev/null 2>&1 && ! cargo install cargo-fuzz --locked --version '^0.13'; then
    skip fuzz "cargo-fuzz cannot be installed"
    return
  fi
  # The sanitizer and coverage flags are unstable, hence the bootstrap variable.
  export RUSTC_BOOTSTRAP=1
  local target
  (
    cd fuzz
    cargo fuzz build
    for target in $(cargo fuzz list); do
      echo "$target: replay"
      cargo fuzz run "$target" "corpus/$target" -- -runs=0
      echo "$target: fuzz"
      # Finds go to a scratch corpus; the committed one stays as it is.
      mkdir -p "target/scratch/$target"
      cargo fuzz run "$target" "target/scratch/$target" "corpus/$target" -- -max_total_time=5
    done
  )
  unset RUSTC_BOOTSTRAP
}
