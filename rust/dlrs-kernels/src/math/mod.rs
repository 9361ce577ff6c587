//! Elementary functions.

pub(crate) mod f64;
pub(crate) mod f32_ {
    pub fn sigmoid(x: f32) -> f32 {
        super::f64::sigmoid(f64::from(x)) as f32
    }
    pub fn erf(x: f32) -> f32 {
        super::f64::erf(f64::from(x)) as f32
    }
    pub fn softplus(x: f32) -> f32 {
        super::f64::softplus(f64::from(x)) as f32
    }
}
