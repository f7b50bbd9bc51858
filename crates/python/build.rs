//! Sets the `cfg` flags of PyO3, such as `Py_GIL_DISABLED`, and the path of the interpreter's shared library.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    pyo3_build_config::use_pyo3_cfgs();
    pyo3_build_config::add_libpython_rpath_link_args();
}
