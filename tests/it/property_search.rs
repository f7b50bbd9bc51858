//! Runs a property on random inputs until enough cases were tested.

use arbtest::arbitrary::{Result, Unstructured};

/// Runs `property` on random inputs for `ms` milliseconds, and repeats such runs until `is_enough` returns `true`.
///
/// `property` must count the cases that are tested, because some inputs are not cases, such as a format that the parser
/// refuses. The number of cases that a machine tests in `ms` milliseconds depends on the load of the machine and on
/// sanitizers. Hence a test cannot require a minimum number of cases after one run.
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
