/* An exporter that says whatever it is told, true or not: liar.Liar(answer, release=None).
 *
 * answer(flags) returns a dict with the fields of Py_buffer, each as it shall be filled in: ints; bytes
 * or None for format; tuples of ints or None for the arrays, whose lengths are not compared with ndim.
 * buf is None for NULL or an object with a buffer, whose memory is taken. obj is "self", "null",
 * "borrowed", which is itself without a reference, or any other object. Beside them stand "returns", what the slot returns; "raises", the exception that it
 * leaves; and "leaks", how many references to itself it keeps.
 * release(), if given, is called by the release, and what it raises is left behind. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct {
    PyObject_HEAD
    PyObject *answer;
    PyObject *release;
    PyObject *kept; /* what the structs that were filled in point to */
} Liar;

static int
keep(Liar *self, PyObject *object)
{
    int failed = object == NULL || PyList_Append(self->kept, object) < 0;
    Py_XDECREF(object);
    return failed ? -1 : 0;
}

static int
number(PyObject *fields, const char *name, Py_ssize_t *out)
{
    PyObject *value = PyDict_GetItemString(fields, name);
    if (value == NULL) {
        return 0;
    }
    *out = PyLong_AsSsize_t(value);
    return *out == -1 && PyErr_Occurred() ? -1 : 0;
}

static int
array(Liar *self, PyObject *fields, const char *name, Py_ssize_t **out)
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
    /* Space for more entries than any valid ndim; entries that are not given are -1, for a wrong ndim. */
    PyObject *space = PyBytes_FromStringAndSize(NULL, 70 * sizeof(Py_ssize_t));
    if (space == NULL) {
        return -1;
    }
    Py_ssize_t *entries = (Py_ssize_t *)PyBytes_AsString(space);
    for (Py_ssize_t index = 0; index < 70; index++) {
        entries[index] = index < count ? PyLong_AsSsize_t(PyTuple_GetItem(value, index)) : -1;
    }
    *out = entries;
    return PyErr_Occurred() ? -1 : keep(self, space);
}

static int
fill(Liar *self, PyObject *fields, Py_buffer *view)
{
    Py_ssize_t readonly = 1, ndim = 0;
    PyObject *buf = PyDict_GetItemString(fields, "buf");
    PyObject *format = PyDict_GetItemString(fields, "format");
    PyObject *obj = PyDict_GetItemString(fields, "obj");
    view->buf = NULL;
    view->len = view->itemsize = 0;
    view->internal = NULL;
    view->format = NULL;
    if (number(fields, "len", &view->len) < 0 || number(fields, "itemsize", &view->itemsize) < 0
        || number(fields, "readonly", &readonly) < 0 || number(fields, "ndim", &ndim) < 0
        || array(self, fields, "shape", &view->shape) < 0 || array(self, fields, "strides", &view->strides) < 0
        || array(self, fields, "suboffsets", &view->suboffsets) < 0) {
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
        if (keep(self, Py_NewRef(buf)) < 0) {
            return -1;
        }
    }
    if (format != NULL && format != Py_None) {
        view->format = PyBytes_AsString(format);
        if (view->format == NULL || keep(self, Py_NewRef(format)) < 0) {
            return -1;
        }
    }
    view->obj = NULL;
    if (obj == NULL || (PyUnicode_Check(obj) && PyUnicode_CompareWithASCIIString(obj, "self") == 0)) {
        view->obj = Py_NewRef((PyObject *)self);
    }
    else if (PyUnicode_Check(obj) && PyUnicode_CompareWithASCIIString(obj, "borrowed") == 0) {
        view->obj = (PyObject *)self; /* which the release drops all the same */
    }
    else if (!PyUnicode_Check(obj)) {
        view->obj = Py_NewRef(obj);
    }
    return 0;
}

static int
liar_getbuffer(PyObject *object, Py_buffer *view, int flags)
{
    Liar *self = (Liar *)object;
    view->obj = NULL;
    PyObject *fields = PyObject_CallFunction(self->answer, "i", flags);
    if (fields == NULL) {
        return -1;
    }
    Py_ssize_t returns = 0, leaks = 0;
    PyObject *raises = PyDict_GetItemString(fields, "raises");
    int failed = fill(self, fields, view) < 0 || number(fields, "returns", &returns) < 0
        || number(fields, "leaks", &leaks) < 0;
    for (; !failed && leaks > 0; leaks--) {
        Py_INCREF(object);
    }
    if (!failed && raises != NULL && raises != Py_None) {
        PyErr_SetString(raises, "as told");
    }
    Py_DECREF(fields);
    if (failed) {
        Py_CLEAR(view->obj);
        return -1;
    }
    return (int)returns;
}

static void
liar_releasebuffer(PyObject *object, Py_buffer *view)
{
    Liar *self = (Liar *)object;
    (void)view;
    if (self->release != Py_None) {
        Py_XDECREF(PyObject_CallNoArgs(self->release));
    }
}

static PyObject *
liar_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"answer", "release", NULL};
    PyObject *answer, *release = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O", names, &answer, &release)) {
        return NULL;
    }
    Liar *self = (Liar *)PyType_GenericAlloc(type, 0);
    if (self != NULL) {
        self->answer = Py_NewRef(answer);
        self->release = Py_NewRef(release);
        self->kept = PyList_New(0);
    }
    return (PyObject *)self;
}

static void
liar_dealloc(PyObject *object)
{
    Liar *self = (Liar *)object;
    PyTypeObject *type = Py_TYPE(object);
    Py_CLEAR(self->answer);
    Py_CLEAR(self->release);
    Py_CLEAR(self->kept);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyType_Slot liar_slots[] = {
    {Py_tp_new, liar_new},
    {Py_tp_dealloc, liar_dealloc},
    {Py_bf_getbuffer, liar_getbuffer},
    {Py_bf_releasebuffer, liar_releasebuffer},
    {0, NULL},
};

static PyType_Spec liar_spec = {
    .name = "liar.Liar",
    .basicsize = sizeof(Liar),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = liar_slots,
};

static struct PyModuleDef liar_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "liar",
    .m_size = -1,
};

PyMODINIT_FUNC
PyInit_liar(void)
{
    PyObject *module = PyModule_Create(&liar_module);
    PyObject *type = PyType_FromSpec(&liar_spec);
    if (module == NULL || type == NULL || PyModule_AddObject(module, "Liar", type) < 0) {
        Py_XDECREF(module);
        return NULL;
    }
#ifdef Py_GIL_DISABLED
    /* Tests use an object in one thread. */
    PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
    return module;
}
