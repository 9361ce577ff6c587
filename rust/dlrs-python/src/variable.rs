//! `Variable`: named state that outlives programs.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use dlrs_core::dispatch::{self, Operand};
use dlrs_core::{DType, Ty, Variable};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::array;
use crate::call;
use crate::errors::{Result, fail, guard};
use crate::index;
use crate::operand::{Arg, DTypeArg, concrete};
use crate::tensor::{PyTensor, shape_tuple, to_numpy, values_text};

/// A named buffer with a version counter. Subclassed by `dlrs.Variable`.
#[pyclass(name = "Variable", module = "dlrs._dlrs", subclass, frozen, weakref, dict)]
pub struct PyVariable {
    pub variable: Variable,
    trainable: AtomicBool,
    autocast: AtomicBool,
}

thread_local! {
    /// The type in which the layer that is being called reads floating variables; None for their own.
    static AUTOCAST: Cell<Option<DType>> = const { Cell::new(None) };
}

/// Sets the type in which this thread reads floating variables, None for their own; returns the one before.
#[pyfunction]
#[pyo3(signature = (dtype))]
pub fn set_autocast(dtype: Option<DTypeArg>) -> Option<&'static str> {
    AUTOCAST.replace(dtype.map(|dtype| dtype.0)).map(DType::name)
}

impl PyVariable {
    /// The variable as an operand, cast where a layer reads it in a narrower type.
    pub fn reading(&self) -> Result<Operand> {
        let operand = Operand::Variable(self.variable.clone());
        match self.read_as() {
            Some(dtype) => call::cast(&operand, dtype),
            None => Ok(operand),
        }
    }

    /// The type to which a reading is cast, if it is not the variable's own.
    fn read_as(&self) -> Option<DType> {
        let own = self.ty().dtype;
        AUTOCAST.get().filter(|&dtype| dtype != own && own.is_float() && self.autocast.load(Relaxed))
    }

    fn ty(&self) -> Ty {
        self.variable.ty()
    }

    fn read(&self) -> Result<PyTensor> {
        match self.read_as() {
            Some(_) => call::identity(&self.reading()?),
            None => Ok(guard(|| dispatch::read(&self.variable))?.into()),
        }
    }
}

#[pymethods]
impl PyVariable {
    /// Subclasses take further arguments in their `__init__`.
    #[new]
    #[pyo3(signature = (value, *args, **kwargs))]
    fn new(
        value: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> Result<PyVariable> {
        let _ = (args, kwargs);
        let tensor = match value.cast::<PyTensor>() {
            Ok(tensor) => tensor.get().concrete("the initial value of a variable")?.clone(),
            Err(_) => match Arg::of(value)? {
                Arg::Number(number) => number.tensor(Arg::Number(number).dtype())?,
                Arg::Operand(_) => array::tensor_from(value, None)?,
            },
        };
        Ok(PyVariable {
            variable: Variable::new("variable", tensor),
            trainable: AtomicBool::new(true),
            autocast: AtomicBool::new(true),
        })
    }

    /// NumPy's binary operators leave the choice to the variable.
    #[classattr]
    fn __array_priority__() -> f64 {
        100.0
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        shape_tuple(py, &self.ty())
    }

    #[getter]
    fn dtype(&self) -> &'static str {
        self.read_as().unwrap_or_else(|| self.ty().dtype).name()
    }

    #[getter]
    fn ndim(&self) -> usize {
        self.ty().shape.rank()
    }

    /// A number that no other variable of the process has.
    #[getter]
    fn id(&self) -> u64 {
        self.variable.id()
    }

    /// How often the variable has been written.
    #[getter]
    fn version(&self) -> u64 {
        self.variable.version()
    }

    /// The content: symbolic inside a trace.
    #[getter]
    fn value(&self) -> Result<PyTensor> {
        self.read()
    }

    #[getter]
    fn name(&self) -> String {
        self.variable.name()
    }

    #[setter]
    fn set_name(&self, name: &str) {
        self.variable.rename(name);
    }

    #[getter]
    fn trainable(&self) -> bool {
        self.trainable.load(Relaxed)
    }

    #[setter]
    fn set_trainable(&self, trainable: bool) {
        self.trainable.store(trainable, Relaxed);
    }

    /// Whether layers under a mixed policy may read it in their compute type.
    #[getter]
    fn autocast(&self) -> bool {
        self.autocast.load(Relaxed)
    }

    #[setter]
    fn set_autocast(&self, autocast: bool) {
        self.autocast.store(autocast, Relaxed);
    }

    /// Replaces the content by a value of the variable's shape, cast to its dtype; inside a trace this is recorded.
    fn assign(&self, value: &Bound<'_, PyAny>) -> Result<PyTensor> {
        let ty = self.ty();
        let value = match Arg::plain(value)? {
            Some(arg) => arg.to(ty.dtype)?,
            None => concrete(array::tensor_from(value, Some(ty.dtype))?),
        };
        if value.ty().shape != ty.shape {
            fail!(
                Value,
                "assign: value of shape {} for variable {:?} of shape {}",
                value.ty().shape,
                self.variable.name(),
                ty.shape
            );
        }
        guard(|| dispatch::assign(&self.variable, &value))?;
        call::identity(&value)
    }

    /// A copy of the content as a NumPy array.
    fn numpy<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>> {
        let tensor = self.read()?;
        to_numpy(py, tensor.concrete("numpy()")?)
    }

    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> Result<Bound<'py, PyAny>> {
        Ok(Bound::new(py, self.read()?)?.call_method1("__array__", (dtype, copy))?)
    }

    fn __len__(&self) -> Result<usize> {
        match self.ty().shape.first() {
            Some(&n) => Ok(n),
            None => fail!(Type, "len() of a scalar variable"),
        }
    }

    fn __bool__<'py>(&self, py: Python<'py>) -> Result<bool> {
        Ok(Bound::new(py, self.read()?)?.is_truthy()?)
    }

    fn __float__(&self, py: Python<'_>) -> Result<f64> {
        Ok(Bound::new(py, self.read()?)?.extract()?)
    }

    fn __int__<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>> {
        Ok(Bound::new(py, self.read()?)?.call_method0("__int__")?)
    }

    fn __getitem__(&self, key: &Bound<'_, PyAny>) -> Result<PyTensor> {
        index::get(&self.reading()?, key)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>> {
        Ok(Bound::new(py, self.read()?)?.try_iter()?.into_any())
    }

    fn __hash__(slf: &Bound<'_, Self>) -> usize {
        slf.as_ptr() as usize >> 4
    }

    fn __repr__(slf: &Bound<'_, Self>) -> Result<String> {
        let this = slf.get();
        let head =
            format!("<Variable name={}, shape={}, dtype={}", this.variable.name(), this.ty().shape, this.ty().dtype);
        let tensor = this.variable.value()?;
        Ok(format!("{head}, values={}>", values_text(Bound::new(slf.py(), PyTensor::from(tensor))?.as_any())?))
    }
}
