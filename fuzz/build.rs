//! Adds the folder of the shared library of CPython to the run path.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "cpython")]
    pyo3_build_config::add_libpython_rpath_link_args();
}
