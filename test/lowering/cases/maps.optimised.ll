; ModuleID = 'maps'
source_filename = "maps"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

@__bpftime_map_values_0 = extern_weak global i8
@__bpftime_map_handle_0 = extern_weak global i8
@__bpftime_map_handle_1 = extern_weak global i8
@__bpftime_map_values_2 = extern_weak global i8

; Function Attrs: nounwind uwtable
define dso_local range(i64 0, 4429645317) i64 @bpf_main(ptr nocapture noundef readonly %ctx, i64 noundef %size) local_unnamed_addr #0 {
entry:
  %frame = alloca [16 x i8], align 16
  ; prog.bpf.c:1: line 1;
  %r6_0 = load i32, ptr %ctx, align 1
  ; prog.bpf.c:2: line 2;
  %0 = getelementptr inbounds i8, ptr %frame, i64 12
  store i32 %r6_0, ptr %0, align 4
  ; prog.bpf.c:7: line 7;
  %1 = icmp eq ptr @__bpftime_map_values_0, null
  br i1 %1, label %lookup_call_6, label %lookup_6, !prof !3

lookup_6:                                         ; preds = %entry
  ; prog.bpf.c:7: line 7;
  %2 = icmp ult i32 %r6_0, 8
  %3 = zext i32 %r6_0 to i64
  %4 = shl nuw nsw i64 %3, 4
  %5 = getelementptr i8, ptr @__bpftime_map_values_0, i64 %4
  br i1 %2, label %looked_up_6, label %common.ret

lookup_call_6:                                    ; preds = %entry
  ; prog.bpf.c:7: line 7;
  %6 = icmp eq ptr @__bpftime_map_handle_0, null
  br i1 %6, label %map_call, label %map_known, !prof !3

map_call:                                         ; preds = %lookup_call_6
  ; prog.bpf.c:7: line 7;
  %7 = call i64 @__lddw_helper_map_by_fd(i32 0)
  br label %map_known

map_known:                                        ; preds = %lookup_call_6, %map_call
  ; prog.bpf.c:7: line 7;
  %8 = phi i64 [ ptrtoint (ptr @__bpftime_map_handle_0 to i64), %lookup_call_6 ], [ %7, %map_call ]
  %9 = call ptr @_bpf_helper_ext_0001(i64 %8, ptr nonnull %0)
  br label %looked_up_6

looked_up_6:                                      ; preds = %lookup_6, %map_known
  ; prog.bpf.c:7: line 7;
  %r0_6 = phi ptr [ %9, %map_known ], [ %5, %lookup_6 ]
  ; prog.bpf.c:8: line 8;
  %10 = icmp eq ptr %r0_6, null
  br i1 %10, label %common.ret, label %bb_8

common.ret:                                       ; preds = %lookup_6, %looked_up_6, %map_known5
  %common.ret.op = phi i64 [ %r7_22, %map_known5 ], [ 0, %looked_up_6 ], [ 0, %lookup_6 ]
  ret i64 %common.ret.op

bb_8:                                             ; preds = %looked_up_6
  ; prog.bpf.c:9: line 9;
  %11 = getelementptr i8, ptr %r0_6, i64 4
  %r7_8 = load i32, ptr %11, align 1
  ; prog.bpf.c:14: line 14;
  %12 = zext i32 %r7_8 to i64
  store i64 %12, ptr %frame, align 16
  ; prog.bpf.c:15: line 15;
  %13 = icmp eq ptr @__bpftime_map_handle_1, null
  br i1 %13, label %map_call2, label %map_known3, !prof !3

map_call2:                                        ; preds = %bb_8
  ; prog.bpf.c:15: line 15;
  %14 = call i64 @__lddw_helper_map_by_fd(i32 1)
  br label %map_known3

map_known3:                                       ; preds = %bb_8, %map_call2
  ; prog.bpf.c:15: line 15;
  %15 = phi i64 [ ptrtoint (ptr @__bpftime_map_handle_1 to i64), %bb_8 ], [ %14, %map_call2 ]
  %r0_14 = call i64 @_bpf_helper_ext_0003(i64 %15, ptr nonnull %frame)
  ; prog.bpf.c:16: line 16;
  %16 = icmp eq ptr @__bpftime_map_values_2, null
  br i1 %16, label %map_call4, label %map_known5, !prof !3

map_call4:                                        ; preds = %map_known3
  ; prog.bpf.c:16: line 16;
  %17 = call i64 @__lddw_helper_map_by_fd(i32 2)
  %18 = call i64 @__lddw_helper_map_val(i64 %17)
  %19 = inttoptr i64 %18 to ptr
  br label %map_known5

map_known5:                                       ; preds = %map_known3, %map_call4
  ; prog.bpf.c:16: line 16;
  %20 = phi ptr [ @__bpftime_map_values_2, %map_known3 ], [ %19, %map_call4 ]
  %r3_15 = getelementptr i8, ptr %20, i64 8
  ; prog.bpf.c:19: line 19;
  %21 = atomicrmw add ptr %r3_15, i64 1 monotonic, align 8
  ; prog.bpf.c:23: line 23;
  %r7_22 = add nuw nsw i64 %12, 134678021
  ; prog.bpf.c:25: line 25;
  br label %common.ret
}

; Function Attrs: nounwind memory(readwrite)
declare ptr @_bpf_helper_ext_0001(i64, ptr nocapture readonly) local_unnamed_addr #1

; Function Attrs: nounwind memory(readwrite)
declare i64 @_bpf_helper_ext_0003(i64, ptr nocapture readonly) local_unnamed_addr #1

; Function Attrs: nounwind willreturn
declare i64 @__lddw_helper_map_by_fd(i32) #2

; Function Attrs: nounwind willreturn
declare i64 @__lddw_helper_map_val(i64) #2

attributes #0 = { nounwind uwtable "no-builtins" "tune-cpu"="generic" }
attributes #1 = { nounwind memory(readwrite) }
attributes #2 = { nounwind willreturn }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
!3 = !{!"branch_weights", i32 1, i32 100000}
