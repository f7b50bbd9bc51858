//! Adds the folder of the shared library of CPython to the run path, for tests that embed it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "pyo3")]
    pyo3_build_config::add_libpython_rpath_link_args();
}
