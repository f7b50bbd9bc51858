//! Snapshots: pages of text in `snapshots/`, compared by insta.

/// Compares a page with `snapshots/<area>/<name>.snap`, whose header describes the input.
pub(crate) fn check(area: &str, name: &str, input: &str, page: &str) {
    // Without `..`, so that `make lint` finds the paths that insta lists.
    let root = std::fs::canonicalize(crate::ROOT).unwrap();
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(root.join("snapshots").join(area));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(input);
    settings.bind(|| insta::assert_snapshot!(name, page));
}
