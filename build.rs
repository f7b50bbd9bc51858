//! Adds the folder of the shared library of CPython to the run path, for tests that embed it. Sets the cfg
//! `abi3_below_3_11` if the limited API has no `Py_buffer`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(abi3_below_3_11)");
    #[cfg(feature = "pyo3")]
    {
        pyo3_build_config::add_libpython_rpath_link_args();
        let outputs = pyo3_build_config::get().build_script_outputs();
        let has = |cfg: &str| outputs.iter().any(|line| line.ends_with(&format!("rustc-cfg={cfg}")));
        if has("Py_LIMITED_API") && !has("Py_3_11") {
            println!("cargo:rustc-cfg=abi3_below_3_11");
        }
    }
}
