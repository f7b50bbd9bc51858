//! Tells the linker where the interpreter's shared library is, for tests that embed it, and the compiler whether
//! the interpreter has a GIL.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    pyo3_build_config::use_pyo3_cfgs();
    pyo3_build_config::add_libpython_rpath_link_args();
}
