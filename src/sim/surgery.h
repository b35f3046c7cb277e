// Takes out of a mesh what the reference lacks, to see that it is missed.
#pragma once

#include "cluster/mesh_state.h"

namespace martlet::cluster {

class MeshSurgery {
 public:
  static void StopMending(Mesh& mesh) { mesh.state_->mends_.ClearAll(); }
  static void ForgetLostPeers(Mesh& mesh) {
    mesh.state_->lost_.Clear();
    mesh.state_->member_checks_.ClearAll();  // others would tell of them again
  }
};

}  // namespace martlet::cluster
