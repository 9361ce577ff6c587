//! Random numbers of distributions with parameters: gamma, beta and binomial.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::mem::{Body, Element, TileIo};
use dlrs_kernels::random::Stream;

use super::random::{check_draw, stream};
use super::{LowerCx, Lowered, NodeRef, Op, no_gradient};
use crate::error::{Error, Result};
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::tensor::Ty;
use crate::{DType, bail};

/// A distribution with parameters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Family {
    /// Of a shape α; the scale is 1.
    Gamma,
    /// Of shapes α and β.
    Beta,
    /// Of a number of trials and a probability.
    Binomial,
}

impl Family {
    fn name(self) -> &'static str {
        match self {
            Family::Gamma => "random_gamma",
            Family::Beta => "random_beta",
            Family::Binomial => "random_binomial",
        }
    }

    fn parameters(self) -> &'static [&'static str] {
        match self {
            Family::Gamma => &["alpha"],
            Family::Beta => &["alpha", "beta"],
            Family::Binomial => &["counts", "probabilities"],
        }
    }
}

/// A draw. Operands: the seed, int64 (seed, counter), and the parameters in float64, each a scalar or one for every element.
/// Parameters outside the distribution's domain give NaN.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Variates {
    /// The distribution.
    pub family: Family,
    /// Type of the result.
    pub ty: Ty,
}

impl Op for Variates {
    fn name(&self) -> &'static str {
        self.family.name()
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let (name, parameters) = (self.name(), self.family.parameters());
        if inputs.len() != 1 + parameters.len() {
            return Err(Error::Internal(format!(
                "{name} takes {} operands, got {}",
                1 + parameters.len(),
                inputs.len()
            )));
        }
        check_draw(name, self.ty, inputs[0])?;
        for (parameter, have) in parameters.iter().zip(&inputs[1..]) {
            if have.dtype != DType::F64 {
                bail!(Type, "{name}: {parameter} has dtype {}; expected float64", have.dtype);
            }
            if have.shape.rank() > 0 && have.shape != self.ty.shape {
                bail!("{name}: {parameter} has shape {}; expected a scalar or {}", have.shape, self.ty.shape);
            }
        }
        Ok(vec![self.ty])
    }

    fn grad(&self, _g: &mut Graph, _node: &NodeRef<'_>, _d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(self.name(), "draws are not differentiated by the parameters of their distribution")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        /// Elements of a tile: rejection costs far more than an element of the ordinary draws.
        const CHUNK: usize = 2048;
        let body = match cx.outputs[0].dtype {
            DType::F32 => body(self.family, |x| x as f32),
            _ => body(self.family, |x| x),
        };
        let n = cx.outputs[0].shape.size();
        Ok(Lowered::by_rows(n, 1, CHUNK, 1, body).cost(20.0 + 80.0 * n as f64))
    }
}

fn body<T: Element>(family: Family, narrow: fn(f64) -> T) -> Body {
    Arc::new(move |_: usize, io: &mut TileIo<'_>| {
        let (stream, first): (Stream, usize) = (stream(io), io.rect(0).start);
        let a = io.input::<f64>(1);
        let b = if family == Family::Gamma { a } else { io.input::<f64>(2) };
        let of = |parameter: &[f64], e: usize| if parameter.len() == 1 { parameter[0] } else { parameter[e] };
        for (e, y) in (first..).zip(io.output::<T>(0).as_slice()) {
            let (a, b) = (of(a, e), of(b, e));
            *y = narrow(match family {
                Family::Gamma => stream.gamma(e as u64, a),
                Family::Beta => stream.beta(e as u64, a, b),
                Family::Binomial => stream.binomial(e as u64, a, b),
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::shape::Shape;

    fn ty(dtype: DType, dims: &[usize]) -> Ty {
        Ty::new(dtype, Shape::new(dims).unwrap())
    }

    #[test]
    fn elements_do_not_depend_on_the_shape_or_the_cut() {
        let seed = i64s(&[2], &[3, 5]);
        for (family, parameters) in
            [(Family::Gamma, vec![2.5]), (Family::Beta, vec![2.0, 3.0]), (Family::Binomial, vec![50.0, 0.3])]
        {
            let draw = |dtype, n: usize| {
                let scalars = parameters.iter().map(|&p| f64s(&[], &[p]));
                let operands: Vec<_> = [seed.clone()].into_iter().chain(scalars).collect();
                values(&run(&Variates { family, ty: ty(dtype, &[n]) }, &operands).unwrap()[0])
            };
            let long = draw(DType::F64, 10_000);
            assert_eq!(draw(DType::F64, 7), long[..7]);
            assert!(draw(DType::F32, 9_000).iter().zip(&long).all(|(&x, &y)| x == f64::from(y as f32)));
        }
    }

    #[test]
    fn every_element_has_its_parameters() {
        let alpha = f64s(&[3], &[1e-2, 1.0, 1e6]);
        let op = Variates { family: Family::Gamma, ty: ty(DType::F64, &[3]) };
        let y = values(&run(&op, &[i64s(&[2], &[3, 5]), alpha]).unwrap()[0]);
        assert!(y[0] < 1.0 && y[1] < 30.0 && (y[2] / 1e6 - 1.0).abs() < 0.01);
    }

    #[test]
    fn bad_arguments_are_named() {
        let (seed, scalar) = (ty(DType::I64, &[2]), ty(DType::F64, &[]));
        let op = Variates { family: Family::Beta, ty: ty(DType::F32, &[3]) };
        assert!(refusal(op, &[seed, scalar, ty(DType::F32, &[])]).contains("beta has dtype float32"));
        let message = refusal(op, &[seed, ty(DType::F64, &[2]), scalar]);
        assert_eq!(message, "random_beta: alpha has shape (2,); expected a scalar or (3,)");
        assert!(refusal(op, &[scalar, scalar, scalar]).contains("seed has type"));
    }
}
