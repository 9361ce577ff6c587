//! What lies beyond the border of an image.

/// How an image `a b c d` goes on beyond its border. Names are SciPy's and Keras's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Border {
    /// `k k k | a b c d | k k k`: a value.
    Constant,
    /// `a a a | a b c d | d d d`.
    Nearest,
    /// `b c d | a b c d | a b c`.
    Wrap,
    /// `d c b | a b c d | c b a`: reflected at the centre of the last pixel.
    Mirror,
    /// `c b a | a b c d | d c b`: reflected at the edge of the last pixel.
    Reflect,
}

impl Border {
    /// Every kind.
    pub const ALL: [Border; 5] = [Border::Constant, Border::Nearest, Border::Wrap, Border::Mirror, Border::Reflect];

    /// The kind's name.
    pub const fn name(self) -> &'static str {
        match self {
            Border::Constant => "constant",
            Border::Nearest => "nearest",
            Border::Wrap => "wrap",
            Border::Mirror => "mirror",
            Border::Reflect => "reflect",
        }
    }

    /// The pixel out of `n` at least one that stands at index `i`; none where the fill value does.
    #[inline]
    pub fn index(self, i: i32, n: usize) -> Option<usize> {
        if usize::try_from(i).is_ok_and(|i| i < n) {
            return Some(i as usize);
        }
        let (i, n) = (i64::from(i), n as i64);
        Some(match self {
            Border::Constant => return None,
            Border::Nearest => i.clamp(0, n - 1),
            Border::Wrap => i.rem_euclid(n),
            Border::Mirror if n == 1 => 0,
            Border::Mirror => {
                let i = i.rem_euclid(2 * (n - 1));
                i.min(2 * (n - 1) - i)
            }
            Border::Reflect => {
                let i = i.rem_euclid(2 * n);
                i.min(2 * n - 1 - i)
            }
        } as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let row = |border: Border| -> Vec<Option<usize>> { (-5..9).map(|i| border.index(i, 4)).collect() };
        let some = |x: [usize; 14]| x.map(Some).to_vec();
        assert_eq!(row(Border::Nearest), some([0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3]));
        assert_eq!(row(Border::Wrap), some([3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0]));
        assert_eq!(row(Border::Mirror), some([1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]));
        assert_eq!(row(Border::Reflect), some([3, 3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0, 0]));
        assert_eq!(row(Border::Constant).iter().flatten().count(), 4);
    }

    #[test]
    fn one_pixel_and_far_away() {
        for border in &Border::ALL[1..] {
            for i in [i32::MIN, -1, 0, 1, i32::MAX] {
                assert_eq!(border.index(i, 1), Some(0));
                assert!(border.index(i, 7).is_some_and(|i| i < 7));
            }
        }
    }
}
