//! Runs a property on random inputs until enough cases were tested.

use arbtest::arbitrary::{Result, Unstructured};

/// Runs `property` on random inputs for `ms` milliseconds, and repeats this until `is_enough` returns `true`.
///
/// A property counts the cases that it tests, because an input can be no case at all, for example a format that the
/// parser refuses. How many cases a machine tests in `ms` milliseconds depends on its load and on sanitizers, so a
/// minimum number of cases cannot be asserted after one time limit.
///
/// # Panics
/// - The property fails.
/// - `is_enough` returns `false` after 100 repetitions: nearly no input is a case.
pub fn search_until(
    ms: u64,
    is_enough: impl Fn() -> bool,
    mut property: impl FnMut(&mut Unstructured<'_>) -> Result<()>,
) {
    for _ in 0..100 {
        arbtest::arbtest(&mut property).budget_ms(ms).run();
        if is_enough() {
            return;
        }
    }
    panic!("100 searches of {ms} ms found too few cases");
}
