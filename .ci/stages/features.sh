# Each published crate alone, so that no feature leaks in from a neighbour; no_std, 32-bit and wasm32.

# The names under [features] of a manifest, but for default.
features_of() {
  awk '/^\[/ { inside = ($0 == "[features]") } inside && /^[a-z_0-9-]+ *=/ { sub(/ *=.*/, ""); if ($0 != "default") print }' "$1"
}

stage_features() {
  local crate feature
  for crate in $(published); do
    echo "purlin-$crate"
    cargo check -q -p "purlin-$crate" --no-default-features
    for feature in $(features_of "crates/$crate/Cargo.toml"); do
      cargo check -q -p "purlin-$crate" --no-default-features --features "$feature"
    done
    cargo test -q -p "purlin-$crate" --no-default-features --tests
    cargo test -q -p "purlin-$crate" --tests
  done
  portability
}

portability() {
  local crate
  # The crates that promise no_std (DESIGN.md), as far as they are there.
  local no_std=()
  for crate in core ratelimit cache hashring quorum gossip; do
    [ ! -d "crates/$crate" ] || no_std+=("$crate")
  done
  if has_target thumbv7m-none-eabi; then
    for crate in "${no_std[@]}"; do
      cargo check -q -p "purlin-$crate" --target thumbv7m-none-eabi --no-default-features
      if grep -q '^alloc = ' "crates/$crate/Cargo.toml"; then # others need it always, or never
        cargo check -q -p "purlin-$crate" --target thumbv7m-none-eabi --no-default-features --features alloc
      fi
    done
  else
    skip features "target thumbv7m-none-eabi (no_std, 32-bit, no 64-bit atomics) cannot be added"
  fi
  local target
  for target in i686-unknown-linux-gnu wasm32-unknown-unknown; do
    if has_target "$target"; then
      for crate in $(published); do
        cargo check -q -p "purlin-$crate" --target "$target"
      done
    else
      skip features "target $target cannot be added"
    fi
  done
}
