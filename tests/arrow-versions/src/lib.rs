//! A program with `arrow-array` 59, while the library has another major version. The types of the two versions differ,
//! so the batches cross the Arrow C data interface.

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::{Float64Type, Int32Type};
    use arrow_array::{Array as _, StructArray, ffi};
    use pep3118::arrow::{ArrowArray, ArrowSchema, Mapping};
    use pep3118::{DataModel, Dialect, Layout};

    #[test]
    fn items_become_arrays_of_another_version_and_items_again() {
        let layout = Layout::read(b"T{<i:id:T{>d:price:2s:tag:}:in:}", &Dialect::PEP3118, &DataModel::HOST).unwrap();
        let mapping = Mapping::new(&layout).unwrap();
        let item = |id: i32, price: f64| [&id.to_le_bytes()[..], &price.to_be_bytes(), b"ab"].concat();
        let items = [item(1, 0.5), item(-2, 1e300), item(3, -0.0)].concat();
        let mut array = mapping.c_array_of_bytes(&items).unwrap();
        let mut schema = mapping.c_schema().unwrap();
        // SAFETY: the struct is valid and is moved once.
        let array = unsafe { ffi::FFI_ArrowArray::from_raw(array.as_mut_ptr().cast()) };
        // SAFETY: the struct is valid and is moved once.
        let schema = unsafe { ffi::FFI_ArrowSchema::from_raw(schema.as_mut_ptr().cast()) };
        // SAFETY: both structs are as the C data interface requires.
        let rows = StructArray::from(unsafe { ffi::from_ffi(array, &schema) }.unwrap());
        assert_eq!(rows.column(0).as_primitive::<Int32Type>().values(), &[1, -2, 3]);
        let inner = rows.column(1).as_struct();
        assert_eq!(inner.column(0).as_primitive::<Float64Type>().values(), &[0.5, 1e300, -0.0]);

        let (mut array, mut schema) = ffi::to_ffi(&rows.into_data()).unwrap();
        // SAFETY: (a) the struct is valid and belongs to this function.
        let array = unsafe { ArrowArray::from_raw((&raw mut array).cast()) };
        // SAFETY: (a) the struct is valid and belongs to this function.
        let schema = unsafe { ArrowSchema::from_raw((&raw mut schema).cast()) };
        // SAFETY: (a), (b) `to_ffi` creates valid structs.
        assert_eq!(unsafe { mapping.encode_c(array, &schema) }.unwrap(), items);
    }
}
