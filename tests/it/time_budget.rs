//! How long a property may draw cases.

/// The milliseconds `ms`, times the environment variable `PATIENCE`: instrumented programs draw fewer cases in
/// the same time, and the tests ask for a number of them.
pub fn time_budget(ms: u64) -> u64 {
    let factor = std::env::var("PATIENCE").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    ms.saturating_mul(factor)
}
