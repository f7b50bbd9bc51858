//! Tells the linker where the interpreter's shared library is.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "cpython")]
    pyo3_build_config::add_libpython_rpath_link_args();
}
