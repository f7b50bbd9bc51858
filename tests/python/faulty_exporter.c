/* A test exporter that fills in every field of a Py_buffer as the test requests, including wrong values:
 * faulty_exporter.FaultyExporter(answer, release=None).
 *
 * The exporter calls answer(flags) for each request. answer returns a dict with the fields of the Py_buffer:
 * - "len", "itemsize", "readonly", "ndim": an int.
 * - "shape", "strides", "suboffsets": None for NULL, or a tuple of ints. Its length may differ from ndim.
 * - "format": None for NULL, or bytes.
 * - "buf": None for NULL, or an object with a buffer. buf then points to the memory of this object.
 * - "obj": "self"; "null"; "borrowed" for the exporter itself without a new reference; or any other object.
 * A missing key means 0 or NULL, except that "readonly" is 1 and "obj" is "self".
 * Three more keys describe faults of bf_getbuffer:
 * - "returns": the return value.
 * - "raises": an exception type. bf_getbuffer sets this exception and still returns "returns".
 * - "leaks": the number of references to the exporter that bf_getbuffer leaks.
 *
 * bf_releasebuffer calls release() unless release is None, and does not clear an exception of release(). */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct {
    PyObject_HEAD
    PyObject *answer;
    PyObject *release;
    PyObject *referenced; /* a list of the objects that filled-in structs point to */
} FaultyExporter;

/* Keeps object alive as long as self. Takes over the reference to object. Returns -1 if object is NULL, or with an
 * exception if there is no memory. */
static int
keep_alive(FaultyExporter *self, PyObject *object)
{
    int failed = object == NULL || PyList_Append(self->referenced, object) < 0;
    Py_XDECREF(object);
    return failed ? -1 : 0;
}

/* Stores the int in the key name of fields in *out, or leaves *out unchanged if the key is missing. Returns -1 with an
 * exception if the value is not an int. */
static int
read_number(PyObject *fields, const char *name, Py_ssize_t *out)
{
    PyObject *value = PyDict_GetItemString(fields, name);
    if (value == NULL) {
        return 0;
    }
    *out = PyLong_AsSsize_t(value);
    return *out == -1 && PyErr_Occurred() ? -1 : 0;
}

/* Stores a pointer to the entries of the tuple in the key name of fields in *out. Stores NULL if the key is missing or
 * None. Returns -1 with an exception if the value is not a tuple of ints. */
static int
read_array(FaultyExporter *self, PyObject *fields, const char *name, Py_ssize_t **out)
{
    PyObject *value = PyDict_GetItemString(fields, name);
    *out = NULL;
    if (value == NULL || value == Py_None) {
        return 0;
    }
    Py_ssize_t count = PyTuple_Size(value);
    if (count < 0) {
        return -1;
    }
    /* The array has 70 entries, more than the largest valid ndim of 64. Entries after the end of the tuple are -1, so
     * that a consumer that reads ndim entries stays inside the array. */
    PyObject *space = PyBytes_FromStringAndSize(NULL, 70 * sizeof(Py_ssize_t));
    if (space == NULL) {
        return -1;
    }
    Py_ssize_t *entries = (Py_ssize_t *)PyBytes_AsString(space);
    for (Py_ssize_t index = 0; index < 70; index++) {
        entries[index] = index < count ? PyLong_AsSsize_t(PyTuple_GetItem(value, index)) : -1;
    }
    *out = entries;
    return PyErr_Occurred() ? -1 : keep_alive(self, space);
}

/* Fills in view from fields. Returns -1 with an exception if a value has a wrong type. */
static int
fill(FaultyExporter *self, PyObject *fields, Py_buffer *view)
{
    Py_ssize_t readonly = 1, ndim = 0;
    PyObject *buf = PyDict_GetItemString(fields, "buf");
    PyObject *format = PyDict_GetItemString(fields, "format");
    PyObject *obj = PyDict_GetItemString(fields, "obj");
    view->buf = NULL;
    view->len = view->itemsize = 0;
    view->internal = NULL;
    view->format = NULL;
    if (read_number(fields, "len", &view->len) < 0 || read_number(fields, "itemsize", &view->itemsize) < 0
        || read_number(fields, "readonly", &readonly) < 0 || read_number(fields, "ndim", &ndim) < 0
        || read_array(self, fields, "shape", &view->shape) < 0 || read_array(self, fields, "strides", &view->strides) < 0
        || read_array(self, fields, "suboffsets", &view->suboffsets) < 0) {
        return -1;
    }
    view->readonly = (int)readonly;
    view->ndim = (int)ndim;
    if (buf != NULL && buf != Py_None) {
        Py_buffer memory;
        if (PyObject_GetBuffer(buf, &memory, PyBUF_SIMPLE) < 0) {
            return -1;
        }
        view->buf = memory.buf;
        PyBuffer_Release(&memory);
        if (keep_alive(self, Py_NewRef(buf)) < 0) {
            return -1;
        }
    }
    if (format != NULL && format != Py_None) {
        view->format = PyBytes_AsString(format);
        if (view->format == NULL || keep_alive(self, Py_NewRef(format)) < 0) {
            return -1;
        }
    }
    view->obj = NULL;
    if (obj == NULL || (PyUnicode_Check(obj) && PyUnicode_CompareWithASCIIString(obj, "self") == 0)) {
        view->obj = Py_NewRef((PyObject *)self);
    }
    else if (PyUnicode_Check(obj) && PyUnicode_CompareWithASCIIString(obj, "borrowed") == 0) {
        view->obj = (PyObject *)self; /* No reference was acquired, but the release of the buffer drops one. */
    }
    else if (!PyUnicode_Check(obj)) {
        view->obj = Py_NewRef(obj);
    }
    return 0;
}

static int
exporter_getbuffer(PyObject *object, Py_buffer *view, int flags)
{
    FaultyExporter *self = (FaultyExporter *)object;
    view->obj = NULL;
    PyObject *fields = PyObject_CallFunction(self->answer, "i", flags);
    if (fields == NULL) {
        return -1;
    }
    Py_ssize_t returns = 0, leaks = 0;
    PyObject *raises = PyDict_GetItemString(fields, "raises");
    int failed = fill(self, fields, view) < 0 || read_number(fields, "returns", &returns) < 0
        || read_number(fields, "leaks", &leaks) < 0;
    for (; !failed && leaks > 0; leaks--) {
        Py_INCREF(object);
    }
    if (!failed && raises != NULL && raises != Py_None) {
        PyErr_SetString(raises, "raised by the answer");
    }
    Py_DECREF(fields);
    if (failed) {
        Py_CLEAR(view->obj);
        return -1;
    }
    return (int)returns;
}

static void
exporter_releasebuffer(PyObject *object, Py_buffer *view)
{
    FaultyExporter *self = (FaultyExporter *)object;
    (void)view;
    if (self->release != Py_None) {
        Py_XDECREF(PyObject_CallNoArgs(self->release));
    }
}

static PyObject *
exporter_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"answer", "release", NULL};
    PyObject *answer, *release = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O", names, &answer, &release)) {
        return NULL;
    }
    FaultyExporter *self = (FaultyExporter *)PyType_GenericAlloc(type, 0);
    if (self != NULL) {
        self->answer = Py_NewRef(answer);
        self->release = Py_NewRef(release);
        self->referenced = PyList_New(0);
    }
    return (PyObject *)self;
}

static void
exporter_dealloc(PyObject *object)
{
    FaultyExporter *self = (FaultyExporter *)object;
    PyTypeObject *type = Py_TYPE(object);
    Py_CLEAR(self->answer);
    Py_CLEAR(self->release);
    Py_CLEAR(self->referenced);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyType_Slot exporter_slots[] = {
    {Py_tp_new, exporter_new},
    {Py_tp_dealloc, exporter_dealloc},
    {Py_bf_getbuffer, exporter_getbuffer},
    {Py_bf_releasebuffer, exporter_releasebuffer},
    {0, NULL},
};

static PyType_Spec exporter_spec = {
    .name = "faulty_exporter.FaultyExporter",
    .basicsize = sizeof(FaultyExporter),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = exporter_slots,
};

static struct PyModuleDef exporter_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "faulty_exporter",
    .m_size = -1,
};

PyMODINIT_FUNC
PyInit_faulty_exporter(void)
{
    PyObject *module = PyModule_Create(&exporter_module);
    PyObject *type = PyType_FromSpec(&exporter_spec);
    if (module == NULL || type == NULL || PyModule_AddObject(module, "FaultyExporter", type) < 0) {
        Py_XDECREF(module);
        return NULL;
    }
#ifdef Py_GIL_DISABLED
    /* The module does not need the GIL, because each object is used in one thread only. */
    PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
    return module;
}
