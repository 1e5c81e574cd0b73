/* The scripted driver with what zeus, MLflow and wandb ask of a driver besides. */
#include "../../benchmarks/nvml_driver.c"

int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlDeviceGetArchitecture(int *gpu, unsigned *generation) { (void)gpu; *generation = 7; return OK; }
int nvmlDeviceGetUtilizationRates(int *gpu, unsigned *core_memory) { (void)gpu; core_memory[0] = 50; core_memory[1] = 20; return OK; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 12080; return OK; }
