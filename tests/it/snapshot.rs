//! The function that compares a text with a snapshot in `snapshots/`.

/// Asserts that the text `page` equals the snapshot `snapshots/<area>/<name>.snap`. `input` is the description of the
/// input in the header of the snapshot.
pub(crate) fn check(area: &str, name: &str, input: &str, page: &str) {
    // The path must not contain `..`, because `make test-rust` compares the path with the paths of files.
    let root = std::fs::canonicalize(crate::ROOT).unwrap();
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(root.join("snapshots").join(area));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(input);
    settings.bind(|| insta::assert_snapshot!(name, page));
}
