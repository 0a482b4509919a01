// Ten steps of molecular dynamics: TenSteps MODEL.h5 STRUCTURE.xyz

import Dynamics
import LRMACE
import Trajectory

let system = try ExtendedXYZ.read(CommandLine.arguments[2]).system
let potential = try LRMACEPotential(modelPath: CommandLine.arguments[1])
var motion = MolecularDynamics(system, by: try VelocityVerlet(timestep: 0.5), in: potential, steps: 10)
try motion.prepare()
while !motion.isFinished { try motion.advance() }
print("\(motion.frame.evaluation.energy) eV after \(motion.completedSteps) steps")
