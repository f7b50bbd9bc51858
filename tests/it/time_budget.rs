//! The time limit of a property.

/// Returns `ms` milliseconds multiplied by the environment variable `PATIENCE`. Properties must test a minimum number
/// of cases, which takes longer with a sanitizer or under qemu.
pub fn time_budget(ms: u64) -> u64 {
    let factor = std::env::var("PATIENCE").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    ms.saturating_mul(factor)
}
