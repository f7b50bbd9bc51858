//! The time that a property may take.

/// Returns `ms` milliseconds times the environment variable `PATIENCE`. Properties must reach a minimum number of cases, and
/// with a sanitizer or under qemu that takes longer.
pub fn time_budget(ms: u64) -> u64 {
    let factor = std::env::var("PATIENCE").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    ms.saturating_mul(factor)
}
