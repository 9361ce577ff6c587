//! Elementwise programs against a naive interpreter: random programs, layouts, types, rectangles and in-place runs.

mod support;

use dlrs_kernels::elementwise::{Access, AnySlice, AnyTile, BinaryOp, Instr, Program, Source, UnaryOp};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{DType, TileMut};
use support::{Guarded, Rng};

/// Those whose every stored value all compute types hold.
const DTYPES: [DType; 9] = {
    use DType::*;
    [Bool, U8, U16, I8, I16, I32, I64, F32, F64]
};

/// A buffer of small integers in any type.
enum Data {
    Bytes(DType, Guarded<u8>),
    U16(Guarded<u16>),
    I8(Guarded<i8>),
    I16(Guarded<i16>),
    I32(Guarded<i32>),
    I64(Guarded<i64>),
    F32(Guarded<f32>),
    F64(Guarded<f64>),
}

impl Data {
    fn new(dtype: DType, x: &[i64]) -> Data {
        match dtype {
            DType::Bool => Data::Bytes(dtype, Guarded::end(&x.iter().map(|&v| u8::from(v != 0)).collect::<Vec<_>>())),
            DType::U8 => Data::Bytes(dtype, Guarded::end(&x.iter().map(|&v| v as u8).collect::<Vec<_>>())),
            DType::U16 => Data::U16(Guarded::end(&x.iter().map(|&v| v as u16).collect::<Vec<_>>())),
            DType::I8 => Data::I8(Guarded::end(&x.iter().map(|&v| v as i8).collect::<Vec<_>>())),
            DType::I16 => Data::I16(Guarded::end(&x.iter().map(|&v| v as i16).collect::<Vec<_>>())),
            DType::I32 => Data::I32(Guarded::end(&x.iter().map(|&v| v as i32).collect::<Vec<_>>())),
            DType::I64 => Data::I64(Guarded::end(x)),
            DType::F32 => Data::F32(Guarded::end(&x.iter().map(|&v| v as f32).collect::<Vec<_>>())),
            DType::F64 => Data::F64(Guarded::end(&x.iter().map(|&v| v as f64).collect::<Vec<_>>())),
            dtype => unreachable!("{dtype} is not among the types of this test"),
        }
    }

    fn slice(&self) -> AnySlice<'_> {
        match self {
            Data::Bytes(DType::Bool, x) => AnySlice::Bool(x),
            Data::Bytes(_, x) => AnySlice::U8(x),
            Data::U16(x) => AnySlice::U16(x),
            Data::I8(x) => AnySlice::I8(x),
            Data::I16(x) => AnySlice::I16(x),
            Data::I32(x) => AnySlice::I32(x),
            Data::I64(x) => AnySlice::I64(x),
            Data::F32(x) => AnySlice::F32(x),
            Data::F64(x) => AnySlice::F64(x),
        }
    }

    /// The rectangle at (r, c) of this buffer seen as rows of `stride` elements.
    fn tile(&mut self, r: usize, c: usize, rows: usize, cols: usize, stride: usize) -> AnyTile<'_> {
        let at = r * stride + c;
        match self {
            Data::Bytes(DType::Bool, x) => AnyTile::Bool(TileMut::new(&mut x[at..], rows, cols, stride)),
            Data::Bytes(_, x) => AnyTile::U8(TileMut::new(&mut x[at..], rows, cols, stride)),
            Data::U16(x) => AnyTile::U16(TileMut::new(&mut x[at..], rows, cols, stride)),
            Data::I8(x) => AnyTile::I8(TileMut::new(&mut x[at..], rows, cols, stride)),
            Data::I16(x) => AnyTile::I16(TileMut::new(&mut x[at..], rows, cols, stride)),
            Data::I32(x) => AnyTile::I32(TileMut::new(&mut x[at..], rows, cols, stride)),
            Data::I64(x) => AnyTile::I64(TileMut::new(&mut x[at..], rows, cols, stride)),
            Data::F32(x) => AnyTile::F32(TileMut::new(&mut x[at..], rows, cols, stride)),
            Data::F64(x) => AnyTile::F64(TileMut::new(&mut x[at..], rows, cols, stride)),
        }
    }

    fn values(&self) -> Vec<i64> {
        match self {
            Data::Bytes(_, x) => x.iter().map(|&v| v.into()).collect(),
            Data::U16(x) => x.iter().map(|&v| v.into()).collect(),
            Data::I8(x) => x.iter().map(|&v| v.into()).collect(),
            Data::I16(x) => x.iter().map(|&v| v.into()).collect(),
            Data::I32(x) => x.iter().map(|&v| v.into()).collect(),
            Data::I64(x) => x.to_vec(),
            Data::F32(x) => x.iter().map(|&v| v as i64).collect(),
            Data::F64(x) => x.iter().map(|&v| v as i64).collect(),
        }
    }
}

fn stored(dtype: DType, v: i64) -> i64 {
    match dtype {
        DType::Bool => (v != 0).into(),
        DType::U8 => (v as u8).into(),
        DType::U16 => (v as u16).into(),
        DType::I8 => (v as i8).into(),
        DType::I16 => (v as i16).into(),
        _ => v,
    }
}

const UNARY: [UnaryOp; 6] =
    [UnaryOp::Copy, UnaryOp::Neg, UnaryOp::Abs, UnaryOp::Sign, UnaryOp::Relu, UnaryOp::LogicalNot];
const BINARY: [BinaryOp; 12] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Max,
    BinaryOp::Min,
    BinaryOp::Lt,
    BinaryOp::Le,
    BinaryOp::Gt,
    BinaryOp::Ge,
    BinaryOp::Eq,
    BinaryOp::Ne,
    BinaryOp::LogicalAnd,
    BinaryOp::LogicalOr,
];

/// The outputs at one element, given what the inputs hold there.
fn interpret(instrs: &[Instr], inputs: &[i64], outputs: &mut [i64]) {
    let mut r = [0i64; 256];
    let truth = |b: bool| i64::from(b);
    for instr in instrs {
        match *instr {
            Instr::Load { input, dst } => r[dst as usize] = inputs[input as usize],
            Instr::Const { value, dst } => r[dst as usize] = value as i64,
            Instr::Unary { op, src, dst } => {
                let x = r[src as usize];
                r[dst as usize] = match op {
                    UnaryOp::Copy => x,
                    UnaryOp::Neg => -x,
                    UnaryOp::Abs => x.abs(),
                    UnaryOp::Sign => x.signum(),
                    UnaryOp::Relu => x.max(0),
                    UnaryOp::LogicalNot => truth(x == 0),
                    _ => unreachable!(),
                };
            }
            Instr::Binary { op, a, b, dst } => {
                let (x, y) = (r[a as usize], r[b as usize]);
                r[dst as usize] = match op {
                    BinaryOp::Add => x + y,
                    BinaryOp::Sub => x - y,
                    BinaryOp::Max => x.max(y),
                    BinaryOp::Min => x.min(y),
                    BinaryOp::Lt => truth(x < y),
                    BinaryOp::Le => truth(x <= y),
                    BinaryOp::Gt => truth(x > y),
                    BinaryOp::Ge => truth(x >= y),
                    BinaryOp::Eq => truth(x == y),
                    BinaryOp::Ne => truth(x != y),
                    BinaryOp::LogicalAnd => truth(x != 0 && y != 0),
                    BinaryOp::LogicalOr => truth(x != 0 || y != 0),
                    _ => unreachable!(),
                };
            }
            Instr::Select { c, a, b, dst } => {
                r[dst as usize] = if r[c as usize] != 0 { r[a as usize] } else { r[b as usize] };
            }
            Instr::Cast { to, src, dst } => r[dst as usize] = stored(to, r[src as usize]),
            Instr::Store { output, src } => outputs[output as usize] = r[src as usize],
            Instr::Sum { .. } => unreachable!("sums over rows have a test of their own"),
        }
    }
}

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.bits() as usize % from.len()]
}

fn below(rng: &mut Rng, n: usize) -> usize {
    rng.bits() as usize % n
}

struct Case {
    shape: Vec<usize>,
    compute: DType,
    instrs: Vec<Instr>,
    inputs: Vec<Access>,
    outputs: Vec<DType>,
    /// Per input, the output whose old content it is.
    in_place: Vec<Option<usize>>,
}

fn random_case(rng: &mut Rng) -> Case {
    let rank = below(rng, 4);
    let shape: Vec<usize> = (0..rank).map(|_| pick(rng, &[0, 1, 2, 3, 5, 17, 40])).collect();
    let shape = if below(rng, 4) == 0 { vec![pick(rng, &[1, 15, 16, 33, 700, 2500])] } else { shape };
    let compute = pick(rng, &[DType::F32, DType::F32, DType::F64, DType::I32, DType::I64]);
    let outputs: Vec<DType> =
        (0..1 + below(rng, 3)).map(|_| if below(rng, 2) == 0 { compute } else { pick(rng, &DTYPES) }).collect();
    let mut in_place = vec![];
    let inputs: Vec<Access> = (0..1 + below(rng, 4))
        .map(|_| {
            let dtype = if below(rng, 2) == 0 { compute } else { pick(rng, &DTYPES) };
            let mut access = Access::dense(dtype, &shape);
            let mut from = None;
            match below(rng, 5) {
                0 => {
                    let k = below(rng, outputs.len());
                    access.dtype = outputs[k];
                    from = Some(k);
                }
                1 => {
                    let own: Vec<usize> = shape.iter().map(|&n| if below(rng, 2) == 0 { 1 } else { n }).collect();
                    let skip = if own.contains(&0) { 0 } else { below(rng, own.len() + 1) };
                    access = Access::broadcast(dtype, &own[skip..], shape.len());
                }
                2 if !shape.is_empty() => {
                    // A transposed view: the strides of the reversed shape, reversed.
                    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
                    access.strides = Access::dense(dtype, &reversed).strides.into_iter().rev().collect();
                }
                3 => access = Access::scalar(dtype, shape.len()),
                _ => {}
            }
            in_place.push(from);
            access
        })
        .collect();
    let mut instrs = vec![Instr::Load { input: 0, dst: 0 }];
    let registers = 6usize;
    let mut written = 1usize;
    for _ in 0..below(rng, 10) {
        let reg = |rng: &mut Rng| below(rng, written) as u8;
        let dst = below(rng, (written + 1).min(registers)) as u8;
        instrs.push(match below(rng, 6) {
            0 => Instr::Load { input: below(rng, inputs.len()) as u8, dst },
            1 => Instr::Const { value: below(rng, 7) as f64 - 3.0, dst },
            2 => Instr::Unary { op: pick(rng, &UNARY), src: reg(rng), dst },
            3 => Instr::Select { c: reg(rng), a: reg(rng), b: reg(rng), dst },
            4 => Instr::Cast { to: pick(rng, &DTYPES), src: reg(rng), dst },
            _ => Instr::Binary { op: pick(rng, &BINARY), a: reg(rng), b: reg(rng), dst },
        });
        written = written.max(usize::from(dst) + 1);
    }
    for k in 0..outputs.len() {
        instrs.push(Instr::Store { output: k as u8, src: below(rng, written) as u8 });
    }
    Case { shape, compute, instrs, inputs, outputs, in_place }
}

fn extent(shape: &[usize], strides: &[usize]) -> usize {
    if shape.contains(&0) { 0 } else { shape.iter().zip(strides).map(|(n, s)| (n - 1) * s).sum::<usize>() + 1 }
}

fn run_case(rng: &mut Rng, case: &Case, isa: Isa) {
    let Case { shape, inputs, outputs, .. } = case;
    let total: usize = shape.iter().product();
    let small = |rng: &mut Rng, n: usize| (0..n).map(|_| i64::from(rng.bits() % 7) - 3).collect::<Vec<_>>();
    let data: Vec<Data> = inputs.iter().map(|a| Data::new(a.dtype, &small(rng, extent(shape, &a.strides)))).collect();
    let mut results: Vec<Data> = outputs.iter().map(|&d| Data::new(d, &small(rng, total))).collect();
    let old: Vec<Vec<i64>> = results.iter().map(Data::values).collect();
    let held: Vec<Vec<i64>> = data.iter().map(Data::values).collect();
    let mut want = old.clone();
    for e in 0..total {
        let mut index = vec![0; shape.len()];
        let mut rest = e;
        for axis in (0..shape.len()).rev() {
            index[axis] = rest % shape[axis];
            rest /= shape[axis];
        }
        let x: Vec<i64> = (0..inputs.len())
            .map(|i| match case.in_place[i] {
                Some(k) => old[k][e],
                None => held[i][index.iter().zip(&inputs[i].strides).map(|(a, b)| a * b).sum::<usize>()],
            })
            .collect();
        let mut y = vec![0; outputs.len()];
        interpret(&case.instrs, &x, &mut y);
        (0..outputs.len()).for_each(|k| want[k][e] = stored(outputs[k], y[k]));
    }
    let program = if below(rng, 2) == 0 {
        Program::new(case.compute, shape, &case.instrs, inputs, outputs)
    } else {
        Program::over_matrix(case.compute, shape, &case.instrs, inputs, outputs)
    };
    assert_eq!(program.rows() * program.cols(), total);
    let sources: Vec<Source> =
        (0..inputs.len()).map(|i| case.in_place[i].map_or(Source::Slice(data[i].slice()), Source::Output)).collect();
    let mut scratch = vec![0xa5u8; program.scratch_len()];
    let (rows, cols) = (program.rows(), program.cols());
    let (r, c) = (below(rng, rows + 1), below(rng, cols + 1));
    for (rr, cc) in [(0..r, 0..c), (0..r, c..cols), (r..rows, 0..c), (r..rows, c..cols)] {
        if rr.is_empty() || cc.is_empty() {
            continue;
        }
        let mut tiles: Vec<AnyTile> =
            results.iter_mut().map(|d| d.tile(rr.start, cc.start, rr.len(), cc.len(), cols)).collect();
        program.run(isa, &sources, &mut tiles, rr, cc, &mut scratch);
    }
    for k in 0..outputs.len() {
        assert_eq!(results[k].values(), want[k], "output {k} of {:?} over {shape:?} {inputs:?}", case.instrs);
    }
}

#[test]
fn random_programs_agree_with_the_interpreter() {
    let mut rng = Rng::new(7);
    for _ in 0..4000 {
        let case = random_case(&mut rng);
        for isa in Isa::supported() {
            run_case(&mut rng, &case, isa);
        }
    }
}
