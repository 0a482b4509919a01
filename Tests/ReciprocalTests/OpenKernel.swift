// G where axes are open, by formulas that share nothing with the engine's: no box, no wavevectors along open axes.

import Foundation
import Lattice

private let gamma = 0.577_215_664_901_532_9

/// The potential of a Gaussian of width sigma and its images along the periodic axes. The mean over them is that of a line,
/// -2 ln(rho / sigma) / L, or a plane, -2 pi |z| / A.
func openKernel(_ r: Vector3, in cell: Cell, sigma: Double) -> Double {
  let axes = (0..<3).filter { cell.isPeriodic[$0] }
  switch axes.count {
  case 0: return clusterKernel(r, sigma)
  case 1: return wireKernel(r, along: cell.vectors[axes[0]], sigma)
  default: return slabKernel(r, cell.vectors[axes[0]], cell.vectors[axes[1]], sigma)
  }
}

private func clusterKernel(_ r: Vector3, _ sigma: Double) -> Double {
  let distance = length(r)
  return distance == 0
    ? (2 / Double.pi).squareRoot() / sigma : erf(distance / (2.0.squareRoot() * sigma)) / distance
}

/// (2/L) integral over 0 < t < 1/(sqrt2 sigma) of dt/t exp(-rho^2 t^2) 2 sum over p > 0 of exp(-p^2 / 4 t^2) cos px, from
/// erf(d/(sqrt2 sigma))/d = 2/sqrt(pi) integral of exp(-d^2 t^2) dt and Poisson's sum; and the mean,
/// -(1/L) [ln(rho^2 / sigma^2) + E1(rho^2 / 2 sigma^2)].
private func wireKernel(_ r: Vector3, along a: Vector3, _ sigma: Double) -> Double {
  let period = length(a)
  let x = dot(r, a) / period
  let square = max(0, dot(r, r) - x * x)
  let limit = 1 / (2.0.squareRoot() * sigma)
  var sum = 0.0
  let steps = 4000
  for i in 0...steps {
    // Simpson's rule; the integrand vanishes at t = 0 with all its derivatives.
    let t = limit * Double(i) / Double(steps)
    guard t > 0 else { continue }
    var waves = 0.0
    for n in 1... {
      let p = 2 * Double.pi * Double(n) / period
      let term = exp(-p * p / (4 * t * t))
      waves += term * cos(p * x)
      if term < 1e-20 { break }
    }
    let weight = i == steps ? 1.0 : i % 2 == 0 ? 2 : 4
    sum += weight * exp(-square * t * t) * 2 * waves / t
  }
  let u = square / (2 * sigma * sigma)
  // ln(2 u) + E1(u), of which the series of E1 has -ln u.
  var mean = 0.0
  if u < 2 {
    var (term, series) = (1.0, 0.0)
    for n in 1..<60 {
      term *= -u / Double(n)
      series -= term / Double(n)
    }
    mean = log(2.0) - gamma + series
  } else {
    // E1 by its continued fraction (Lentz).
    var (b, c, d) = (u + 1, 1e300, 1 / (u + 1))
    var h = d
    for n in 1..<200 {
      let a = -Double(n * n)
      b += 2
      d = 1 / (a * d + b)
      c = b + a / c
      h *= c * d
    }
    mean = log(2 * u) + h * exp(-u)
  }
  return 2 / period * sum * limit / Double(steps) / 3 - mean / period
}

/// Ewald's sum in two dimensions (doi:10.1080/00268977900101321): pi/(A p) cos(p.r) [e^(pz) erfc(sigma p/sqrt2 + z/(sqrt2 sigma)) +
/// e^(-pz) erfc(sigma p/sqrt2 - z/(sqrt2 sigma))], and the mean -(2 pi/A) [z erf(z/(sqrt2 sigma)) + sigma sqrt(2/pi)
/// exp(-z^2 / 2 sigma^2)].
private func slabKernel(_ r: Vector3, _ a: Vector3, _ b: Vector3, _ sigma: Double) -> Double {
  let normal = cross(a, b)
  let area = length(normal)
  let z = dot(r, normal) / area
  let (first, second) = (
    cross(b, normal) * (2 * .pi / (area * area)), cross(normal, a) * (2 * .pi / (area * area))
  )
  let root = 2.0.squareRoot()
  var sum = 0.0
  for m in -14...14 {
    for n in -14...14 where (m, n) != (0, 0) {
      let p = first * Double(m) + second * Double(n)
      let k = length(p)
      func part(_ z: Double) -> Double {
        let argument = sigma * k / root + z / (root * sigma)
        // erfc falls faster than the exponential grows.
        return argument > 26 ? 0 : exp(k * z) * erfc(argument)
      }
      sum += .pi / (area * k) * cos(dot(p, r)) * (part(z) + part(-z))
    }
  }
  return sum - 2 * .pi / area
    * (z * erf(z / (root * sigma)) + sigma * (2 / Double.pi).squareRoot()
      * exp(-z * z / (2 * sigma * sigma)))
}
