# Loom, ThreadSanitizer, simulation, fuzzing.

# Passes test output on, and fails where it shows that nothing ran: a mistyped cfg compiles to no tests.
ran_tests() {
  local output
  output=$(cat)
  printf '%s\n' "$output"
  grep -qE '^test result: ok\. [1-9]' <<<"$output"
}

stage_loom() {
  local file crate
  for file in crates/*/tests/loom*.rs; do
    crate=$(basename "$(dirname "$(dirname "$file")")")
    RUSTFLAGS="--cfg purlin_loom" LOOM_MAX_PREEMPTIONS=3 \
      cargo test --release -p "purlin-$crate" --test "$(basename "$file" .rs)" --target-dir target/loom | ran_tests
  done
}

stage_tsan() {
  local host file crate
  host=$(rustc -vV | sed -n 's/^host: //p')
  case $host in
    *-linux-gnu | *-apple-darwin) ;;
    *) skip tsan "no ThreadSanitizer for $host"; return ;;
  esac
  # The standard library is built with the sanitizer too, or its locks would be taken for none.
  if [ ! -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library" ] && ! rustup component add rust-src >/dev/null 2>&1; then
    skip tsan "no source of the standard library (rust-src)"
    return
  fi
  for file in crates/*/tests/stress.rs; do
    crate=$(basename "$(dirname "$(dirname "$file")")")
    RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=thread \
      cargo test -Zbuild-std --target "$host" -p "purlin-$crate" --test stress --target-dir target/tsan | ran_tests
  done
}

stage_sim() {
  # The seeds of the tests themselves, with all assertions and overflow checks on; then others, then some that nobody has seen.
  cargo test --profile sim --workspace --test 'sim_*'
  PURLIN_SEED=10000..12000 cargo test --profile sim --workspace --test 'sim_*'
  local fresh=$((RANDOM * 32768 * 32768 + RANDOM * 32768 + RANDOM))
  echo "fresh seeds: PURLIN_SEED=$fresh..$((fresh + 1000))"
  PURLIN_SEED=$fresh..$((fresh + 1000)) cargo test --profile sim --workspace --test 'sim_*'
  # Deliberate bugs of Raft that hide for thousands of seeds, and every order of events in small groups.
  cargo test --profile sim -p purlin-quorum --test sim_raft -- --ignored | ran_tests
  cargo run --release -p purlin-quorum --example model_check
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
  local target targets
  (
    cd fuzz
    cargo fuzz build
    targets=$(cargo fuzz list)
    [ -n "$targets" ] || { echo "cargo fuzz lists no target" >&2; exit 1; }
    for target in $targets; do
      echo "$target: replay"
      cargo fuzz run "$target" "corpus/$target" -- -runs=0
      echo "$target: fuzz"
      # Finds go to a scratch corpus; the committed one stays as it is. One seed: a gate that draws anew
      # at every run would refuse one commit for what another brought. fuzz/README.md says how to go on.
      mkdir -p "target/scratch/$target"
      cargo fuzz run "$target" "target/scratch/$target" "corpus/$target" -- -seed=1 -max_total_time=5
    done
  )
  unset RUSTC_BOOTSTRAP
}
