// What a paper that rests on a run should cite.

import Deck

extension Deck {
  /// Work and reference, by what the run used.
  var citations: [(what: String, reference: String)] {
    var list = [
      ("MACE", "Batatia et al., arXiv:2206.07697"),
      ("Reciprocal-space attention, for models with a long range", "arXiv:2510.13055"),
    ]
    switch thermostat {
    case .noseHoover:
      list.append(("Nose-Hoover chains", "Martyna, Klein and Tuckerman, doi:10.1063/1.463940"))
    case .langevin:
      list.append(("Langevin dynamics, BAOAB", "Leimkuhler and Matthews, doi:10.1093/amrx/abs010"))
    case nil where ensemble != nil:
      list.append(("Velocity Verlet", "Swope et al., doi:10.1063/1.442716"))
    case nil: break
    }
    if band != nil {
      list += [
        ("Nudged elastic band", "Henkelman and Jónsson, doi:10.1063/1.1323224"),
        ("Climbing image", "Henkelman, Uberuaga and Jónsson, doi:10.1063/1.1329672"),
      ]
    }
    switch band?.algorithm ?? minimization?.algorithm {
    case .lbfgs: list.append(("L-BFGS", "Liu and Nocedal, doi:10.1007/BF01589116"))
    case .fire: list.append(("FIRE 2.0", "Guénolé et al., doi:10.1016/j.commatsci.2020.109584"))
    case nil: break
    }
    switch barostat?.type {
    case .rescaling: list.append(("Stochastic cell rescaling", "Bernetti and Bussi, doi:10.1063/5.0020514"))
    case .martynaTobiasKlein:
      list.append(("Martyna-Tobias-Klein barostat", "Martyna, Tobias and Klein, doi:10.1063/1.467468"))
    case nil: break
    }
    list += [
      ("Fourier transforms, FFTW3", "Frigo and Johnson, doi:10.1109/JPROC.2004.840301"),
      ("Trajectory format, H5MD", "de Buyl, Colberg and Höfling, doi:10.1016/j.cpc.2014.01.018"),
    ]
    guard ensemble != nil else { return list }
    return list + [
      ("Errors by blocks", "Flyvbjerg and Petersen, doi:10.1063/1.457480"),
      ("Start of the equilibrium", "Chodera, doi:10.1021/acs.jctc.5b00784"),
    ]
  }
}
