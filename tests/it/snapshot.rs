//! Where snapshots lie and how they are named.

/// Compares `page`, which a person can read, with `snapshots/<floor>/<name>.snap`.
pub(crate) fn check(floor: &str, name: &str, input: &str, page: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(format!("{}/snapshots/{floor}", env!("CARGO_MANIFEST_DIR")));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(input);
    settings.bind(|| insta::assert_snapshot!(name, page));
}
